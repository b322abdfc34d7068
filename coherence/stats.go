package coherence

// CacheStats counts what happens to one private cache. The accesses of an L1
// are its array's Clock: one tick per access, hit or miss.
type CacheStats struct {
	Accesses      uint64 // L2 only: L1 misses that looked there
	Misses        uint64
	Evictions     uint64 // lines that made room for others
	Writebacks    uint64 // of dirty lines, evicted or pushed down for a snoop or a fetch
	Snoops        uint64 // outermost level only: snoops that found the line
	Invalidations uint64 // lines that another agent, or the hart's own store to a fetched line, took away
	Upgrades      uint64 // outermost level only: stores that found the line without the right to write
}

// BusStats counts bus transactions.
type BusStats struct {
	Kinds         [NumKinds]uint64 // by kind, as carried out
	LostUpgrades  uint64           // Upgrades that became GetM
	FailedSC      uint64           // SCs whose reservation was gone when the bus came to them
	Snoops        uint64           // snoops sent
	CacheToCache  uint64           // lines that another cache supplied
	DataBytes     uint64           // moved over the data bus
	ReservedShare uint64           // reads that got Shared because the line is reserved elsewhere
}

// HomeShare counts what the home does for one hart.
type HomeShare struct {
	Accesses uint64 // reads of the LLC
	Misses   uint64 // reads that went to memory
}

// HomeStats counts what the home does. Without an LLC, only the filter's.
type HomeStats struct {
	Accesses        uint64 // reads of the LLC
	Misses          uint64
	Writebacks      uint64 // dirty lines from the LLC to memory
	Evictions       uint64 // lines that made room for others
	FilterEvictions uint64 // filter entries, or inclusive lines with sharers, that made room
	Recalled        uint64 // private copies invalidated for that
}
