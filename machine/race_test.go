//go:build race

package machine_test

const race = true
