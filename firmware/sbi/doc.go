// Package sbi is an M-mode firmware that implements the RISC-V Supervisor Binary
// Interface 2.0 for the harts of a machine: base, TIME, IPI, RFENCE, HSM, SRST,
// PMU, DBCN, SUSP and the legacy calls. It is Go instead of RISC-V code, and
// otherwise what OpenSBI is to a kernel: harts trap into it and it charges them
// for the time that it takes.
//
//	S-mode --ecall--> Hart --Trap--> Firmware --Serially--> other harts, devices
//	           other Hart --MSIP, Trap--> Firmware --Serially--> acknowledgement
//
// What a call needs of its own hart it does where the hart runs. What concerns
// others happens in the bus's serial phase, in the order of simulated time: a
// message is left in the other hart's mailbox, and its MSIP raised; that hart
// takes the interrupt between two instructions, does what the message says, and
// acknowledges. A caller that has to wait for acknowledgements is held meanwhile.
//
// Ownership: a hart's mailbox and state are written in the serial phase; in
// between they are read and emptied by that hart alone.
package sbi

// Extension ids (SBI specification, the chapter of each).
const (
	extSetTimer, extPutchar, extGetchar, extClearIPI, extSendIPI = 0, 1, 2, 3, 4
	extFenceI, extSFence, extSFenceASID, extShutdown             = 5, 6, 7, 8

	extBase = 0x10
	extTime = 0x54494d45
	extIPI  = 0x735049
	extRFNC = 0x52464e43
	extHSM  = 0x48534d
	extSRST = 0x53525354
	extPMU  = 0x504d55
	extDBCN = 0x4442434e
	extSUSP = 0x53555350
)

// Errors (table "Standard SBI Errors").
const (
	success         = 0
	errFailed       = -1
	errNotSupported = -2
	errInvalidParam = -3
	errDenied       = -4
	errInvalidAddr  = -5
	errAvailable    = -6
	errStarted      = -7
	errStopped      = -8
	errNoShmem      = -9
)

// CSR numbers and bits that the firmware uses (privileged manual).
const (
	csrSstatus    = 0x100
	csrStvec      = 0x105
	csrStimecmp   = 0x14d
	csrSatp       = 0x180
	csrMstatus    = 0x300
	csrMedeleg    = 0x302
	csrMideleg    = 0x303
	csrMie        = 0x304
	csrMcounteren = 0x306
	csrMenvcfg    = 0x30a
	csrInhibit    = 0x320
	csrMepc       = 0x341
	csrMcause     = 0x342
	csrMtval      = 0x343
	csrMip        = 0x344
	csrPMPCfg     = 0x3a0
	csrPMPAddr    = 0x3b0
	csrMcycle     = 0xb00
	csrMhpmevent  = 0x320
	csrScountovf  = 0xda0

	mstatusSIE  = 1 << 1
	mstatusSPIE = 1 << 5
	mstatusMPIE = 1 << 7
	mstatusMPP  = 3 << 11
	mstatusMPPS = 1 << 11
	mstatusFS   = 3 << 13

	bitSSI, bitMSI, bitSTI, bitMTI, bitSEI, bitLCOFI = 1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 9, 1 << 13

	causeIllegal   = 2
	causeSupCall   = 9
	causeInterrupt = 1 << 63
	causeMSI       = causeInterrupt | 3
	causeMTI       = causeInterrupt | 7
)
