package coherence

// MSI is the three-state write-invalidate protocol.
var MSI = resolve(Protocol{
	Name: "msi",
	Doc: "The smallest invalidation protocol: a line is read Shared and written Modified. " +
		"A line that is read and then written costs two bus requests even if nobody else wants it.",
	Alone:  FillShared,
	Others: FillShared,
	States: [NumStates]StateInfo{
		Invalid:  {Used: true, Doc: "no copy"},
		Shared:   {Used: true, Read: true, Doc: "a clean copy; others may have one too"},
		Modified: {Used: true, Read: true, Write: true, Dirty: true, Doc: "the only copy; the home is stale"},
	},
	Table: [NumStates]Row{
		Invalid: invalidRow(Row{
			FillShared:    to(Shared),
			FillExclusive: cannot("MSI has no state Exclusive"),
			FillForward:   cannot("MSI has no state Forward"),
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
		Modified: filledRow(Row{
			Load:         stay(Hit),
			Store:        stay(Hit),
			Evict:        to(Invalid, PutDirty, DropLine),
			SnoopGetS:    to(Shared, SupplyData, WriteBackHome),
			SnoopGetM:    to(Invalid, SupplyData, DropLine), // the dirty data moves on; the home stays stale
			SnoopUpgrade: cannot("nobody else has a copy to upgrade"),
			SnoopRead:    stay(SupplyData),
			SnoopInval:   to(Invalid, WriteBackHome, DropLine),
			SnoopClean:   to(Shared, WriteBackHome), // there is no clean and writable state
			UpgradeAck:   cannot("a modified copy needs no upgrade"),
		}),
	},
})
