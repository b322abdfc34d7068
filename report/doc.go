// Package report turns what a run or a replay wrote into one HTML page that
// needs nothing else: no network, no other file.
//
//	stats.json, intervals.jsonl, trace.json --Load--> Run --Render--> page
//	                                                   \-- charts.go: series over time
//	                                                    \- tables.go: counters, sharing, slowdowns
//
// Go computes every number that is shown; the page's script only draws, by uPlot
// (uplot/, version 1.6.32, MIT licence), which is embedded. A policy in the page
// forbids the browser to load anything.
package report
