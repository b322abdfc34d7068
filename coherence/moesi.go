package coherence

// MOESI lets a dirty line be shared (Sweazey and Smith, ISCA 1986): its owner
// supplies readers and writes back only when it evicts.
var MOESI = resolve(Protocol{
	Name: "moesi",
	Doc: "A dirty line that another cache reads stays with its owner, who becomes Owned and supplies the readers. " +
		"The home gets the data only when the owner evicts it.",
	Alone:  FillExclusive,
	Others: FillShared,
	States: [NumStates]StateInfo{
		Invalid:   {Used: true, Doc: "no copy"},
		Shared:    {Used: true, Read: true, Doc: "a copy, as fresh as the owner's or the home's; others may have one too"},
		Exclusive: {Used: true, Read: true, Write: true, Doc: "the only copy, clean until its hart stores"},
		Owned:     {Used: true, Read: true, Dirty: true, Doc: "the copy that answers for the line; others may be Shared and the home is stale"},
		Modified:  {Used: true, Read: true, Write: true, Dirty: true, Doc: "the only copy; the home is stale"},
	},
	Table: [NumStates]Row{
		Invalid: invalidRow(Row{
			FillShared:    to(Shared),
			FillExclusive: to(Exclusive),
			FillForward:   cannot("MOESI has no state Forward"),
		}),
		Shared: filledRow(Row{
			Load:         stay(Hit),
			Store:        stay(SendUpgrade), // also from a dirty line: the owner's duty moves here with the write
			Evict:        to(Invalid, PutClean, DropLine),
			SnoopGetS:    stay(),
			SnoopGetM:    to(Invalid, DropLine),
			SnoopUpgrade: to(Invalid, DropLine),
			SnoopRead:    stay(),
			SnoopInval:   to(Invalid, DropLine),
			SnoopClean:   stay(),
			UpgradeAck:   to(Modified),
		}),
		Exclusive: filledRow(Row{
			Load:  stay(Hit),
			Store: to(Modified, Hit),
			Evict: to(Invalid, PutClean, DropLine),
			// The home cannot tell whether the hart has stored, so it waits for this
			// cache in either case.
			SnoopGetS:    to(Shared, SupplyData),
			SnoopGetM:    to(Invalid, SupplyData, DropLine),
			SnoopUpgrade: cannot("nobody else has a copy to upgrade"),
			SnoopRead:    stay(SupplyData),
			SnoopInval:   to(Invalid, DropLine),
			SnoopClean:   stay(),
			UpgradeAck:   cannot("an exclusive copy needs no upgrade"),
		}),
		Owned: filledRow(Row{
			Load:         stay(Hit),
			Store:        stay(SendUpgrade),
			Evict:        to(Invalid, PutDirty, DropLine),
			SnoopGetS:    stay(SupplyData),
			SnoopGetM:    to(Invalid, SupplyData, DropLine),
			SnoopUpgrade: to(Invalid, DropLine), // the sharer's data is the same, and it answers for it from now on
			SnoopRead:    stay(SupplyData),
			SnoopInval:   to(Invalid, WriteBackHome, DropLine),
			SnoopClean:   to(Shared, WriteBackHome),
			UpgradeAck:   to(Modified),
		}),
		Modified: filledRow(Row{
			Load:         stay(Hit),
			Store:        stay(Hit),
			Evict:        to(Invalid, PutDirty, DropLine),
			SnoopGetS:    to(Owned, SupplyData),
			SnoopGetM:    to(Invalid, SupplyData, DropLine),
			SnoopUpgrade: cannot("nobody else has a copy to upgrade"),
			SnoopRead:    stay(SupplyData),
			SnoopInval:   to(Invalid, WriteBackHome, DropLine),
			SnoopClean:   to(Exclusive, WriteBackHome),
			UpgradeAck:   cannot("a modified copy needs no upgrade"),
		}),
	},
})
