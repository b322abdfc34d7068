package coherence

// MESI adds to MSI a state for the only clean copy, which its hart may write
// without asking: the Illinois protocol (Papamarcos and Patel, ISCA 1984).
var MESI = resolve(Protocol{
	Name: "mesi",
	Doc: "A line that nobody else holds is filled Exclusive and is written without a bus request. " +
		"A dirty line that another cache reads is written back and becomes Shared.",
	Alone:  FillExclusive,
	Others: FillShared,
	States: [NumStates]StateInfo{
		Invalid:   {Used: true, Doc: "no copy"},
		Shared:    {Used: true, Read: true, Doc: "a clean copy; others may have one too"},
		Exclusive: {Used: true, Read: true, Write: true, Doc: "the only copy, clean until its hart stores"},
		Modified:  {Used: true, Read: true, Write: true, Dirty: true, Doc: "the only copy; the home is stale"},
	},
	Table: [NumStates]Row{
		Invalid: invalidRow(Row{
			FillShared:    to(Shared),
			FillExclusive: to(Exclusive),
			FillForward:   cannot("MESI has no state Forward"),
		}),
		Shared: filledRow(Row{
			Load:         stay(Hit),
			Store:        stay(SendUpgrade),
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
		Modified: filledRow(Row{
			Load:         stay(Hit),
			Store:        stay(Hit),
			Evict:        to(Invalid, PutDirty, DropLine),
			SnoopGetS:    to(Shared, SupplyData, WriteBackHome),
			SnoopGetM:    to(Invalid, SupplyData, DropLine), // the dirty data moves on; the home stays stale
			SnoopUpgrade: cannot("nobody else has a copy to upgrade"),
			SnoopRead:    stay(SupplyData),
			SnoopInval:   to(Invalid, WriteBackHome, DropLine),
			SnoopClean:   to(Exclusive, WriteBackHome),
			UpgradeAck:   cannot("a modified copy needs no upgrade"),
		}),
	},
})
