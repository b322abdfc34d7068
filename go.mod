module mcsim

go 1.26

require go.uber.org/zap v1.28.0

require (
	github.com/sourcegraph/conc v0.3.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
)
