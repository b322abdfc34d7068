// Package config is the description of a run: a YAML file, a preset below it
// and settings above it, checked as a whole before anything is built.
//
//	default preset <- named preset <- file <- --set and flags --> Config
//
// The struct Config is the only list of fields. Its tags hold each field's
// documentation, unit and range, and everything else is derived from them: the
// decoder, which keeps line numbers, the dotted names of --set, the comments
// of `mcsim config show`, and the JSON schema.
//
// Load reports all mistakes at once, each with its place, its field and, where
// there is a likely one, the fix.
package config
