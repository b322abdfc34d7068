// Package streams is what stands between the readers of traces and those who
// take the references: several streams become one, and a part of one is cut out.
//
//	[]traces.Reader --Merge--> traces.Reader --Slice--> traces.Reader --> analysis, a writer
//
// Everything is itself a traces.Reader, works reference by reference in buffers
// of fixed size, and passes errors on after the references before them.
package streams
