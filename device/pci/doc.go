// Package pci is a PCI Express host and the functions on its root bus (PCI
// Express Base Specification 5.0; PCI Local Bus Specification 3.0 for INTx and
// MSI-X).
//
//	hart --ECAM--> Host --> Function: configuration space, BAR sizing
//	hart --window--> Host --> Function's BAR --> MSI-X table, or the device
//	device --Signal--> MSI-X message, or INTx wire
//
// A Function (function.go) is configuration space with what software may write;
// msix.go has its MSI-X table. The Host (host.go) finds functions by number and
// BARs by address. What nobody answers reads as all ones, as on a real bus.
// Functions reach memory by Function.DMA, which fails unless software has made
// them bus masters.
package pci
