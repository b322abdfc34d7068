// Package disk keeps the sectors of block devices: raw files, written in place,
// and whatever only gives, under an overlay that takes the writes.
//
//	FILE --raw--> rawFile ---\
//	     --qcow2> qcow2File --> overlay --> virtio.Disk
//
// qcow2 images are read by a library, after a check of our own that no table of
// theirs leads out of the file (qcow2.go). An overlay (overlay.go) holds blocks
// of 4 KiB in memory or in a file of its own; the image below it never changes.
package disk
