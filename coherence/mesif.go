package coherence

// MESIF gives one of the sharers the task of answering (Goodman and Hum, 2009):
// the latest reader, whose copy will live longest.
var MESIF = resolve(Protocol{
	Name: "mesif",
	Doc: "As MESI, but the latest reader of a shared line is filled Forward and supplies the next one, " +
		"so that a clean line moves from cache to cache. When the forwarder evicts, the home supplies again.",
	Alone:  FillExclusive,
	Others: FillForward,
	States: [NumStates]StateInfo{
		Invalid:   {Used: true, Doc: "no copy"},
		Shared:    {Used: true, Read: true, Doc: "a clean copy that stays silent; others may have one too"},
		Exclusive: {Used: true, Read: true, Write: true, Doc: "the only copy, clean until its hart stores"},
		Modified:  {Used: true, Read: true, Write: true, Dirty: true, Doc: "the only copy; the home is stale"},
		Forward:   {Used: true, Read: true, Doc: "a clean copy that answers readers; others may be Shared"},
	},
	Table: [NumStates]Row{
		Invalid: invalidRow(Row{
			FillShared:    cannot("a new reader becomes the forwarder"),
			FillExclusive: to(Exclusive),
			FillForward:   to(Forward),
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
			SnoopGetS:    to(Shared, SupplyData, WriteBackHome), // the forwarder's copy is clean
			SnoopGetM:    to(Invalid, SupplyData, DropLine),
			SnoopUpgrade: cannot("nobody else has a copy to upgrade"),
			SnoopRead:    stay(SupplyData),
			SnoopInval:   to(Invalid, WriteBackHome, DropLine),
			SnoopClean:   to(Exclusive, WriteBackHome),
			UpgradeAck:   cannot("a modified copy needs no upgrade"),
		}),
		Forward: filledRow(Row{
			Load:         stay(Hit),
			Store:        stay(SendUpgrade),
			Evict:        to(Invalid, PutClean, DropLine),
			SnoopGetS:    to(Shared, SupplyData), // the reader is the forwarder now
			SnoopGetM:    to(Invalid, SupplyData, DropLine),
			SnoopUpgrade: to(Invalid, DropLine),
			SnoopRead:    stay(SupplyData),
			SnoopInval:   to(Invalid, DropLine),
			SnoopClean:   stay(),
			UpgradeAck:   to(Modified),
		}),
	},
})
