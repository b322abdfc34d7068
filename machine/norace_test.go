//go:build !race

package machine_test

const race = false // the race detector is on: everything takes ten times as long
