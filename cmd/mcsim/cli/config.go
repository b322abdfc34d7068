package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/machine/config"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show, check and describe configurations",
		Long: `A configuration is a YAML file that changes a preset; every field has a default.
'mcsim config show' prints all fields with their meaning and range, so that

  mcsim config show > machine.yaml

is a good beginning for one of your own.`,
		Example: `  mcsim config show --preset server
  mcsim config validate machine.yaml
  mcsim config schema > mcsim.schema.json`,
	}
	c.AddCommand(newConfigShow(), newConfigValidate(), newConfigSchema(), newConfigPresets())
	return c
}

func newConfigShow() *cobra.Command {
	var f configFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "show [CONFIG.yaml]",
		Short: "Print a configuration with every field resolved",
		Long: `Prints the configuration that 'mcsim run' would use with the same arguments:
the default, the preset, the file and --set, one over the other. What is
printed is itself a configuration that gives the same machine.`,
		Example: `  mcsim config show
  mcsim config show --preset inorder-soc --set machine.harts=2
  mcsim config show machine.yaml --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := f.load(cmd, first(args))
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), cfg)
			}
			return cfg.WriteYAML(cmd.OutOrStdout())
		},
	}
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, without comments")
	return c
}

func newConfigValidate() *cobra.Command {
	var f configFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "validate [CONFIG.yaml]...",
		Short: "Report every mistake in configurations",
		Long: `Reads configurations as 'mcsim run' does and reports all mistakes at once, each
with file, line, field and the likely fix. The exit code is 0 if there are none,
else 2.`,
		Example: `  mcsim config validate machine.yaml
  mcsim config validate machine.yaml --set machine.harts=64
  mcsim config validate --json *.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{""}
			}
			var mistakes config.Errors
			for _, file := range args {
				_, err := f.load(cmd, file)
				if list, ok := err.(config.Errors); ok {
					mistakes = append(mistakes, list...)
				} else if err != nil {
					return err
				} else if !asJSON && file != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", file)
				}
			}
			if len(mistakes) > 0 {
				return mistakes
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), map[string]any{"problems": []string{}})
			}
			return nil
		},
	}
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print mistakes as JSON")
	return c
}

func newConfigSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of configurations, for editors",
		Long: `Prints a JSON Schema (2020-12). With an editor that uses the YAML language
server, save it and begin a configuration with the line

  # yaml-language-server: $schema=mcsim.schema.json

to have names completed, meanings shown and ranges checked as you type.`,
		Example: "  mcsim config schema > mcsim.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return config.WriteSchema(cmd.OutOrStdout())
		},
	}
}

func newConfigPresets() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "presets [NAME]",
		Short: "List the presets, or print one as it is written, with its sources",
		Example: `  mcsim config presets
  mcsim config presets server
  mcsim config presets --json`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: config.Presets(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				return writePresets(cmd.OutOrStdout(), args)
			}
			if len(args) == 0 {
				for _, name := range config.Presets() {
					fmt.Fprintln(cmd.OutOrStdout(), name)
				}
				return nil
			}
			text, err := config.PresetSource(args[0])
			if err != nil {
				return &usageError{err}
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: each preset's name and description, of the one that is named also its text")
	return c
}

// writePresets prints the presets of these names, or all, as JSON. A preset's description
// is the first paragraph of the comment that it begins with.
func writePresets(w io.Writer, names []string) error {
	type row struct {
		Name   string `json:"name"`
		Doc    string `json:"description"`
		Source string `json:"source,omitempty"`
	}
	rows, all := []row{}, len(names) == 0
	if all {
		names = config.Presets()
	}
	for _, name := range names {
		text, err := config.PresetSource(name)
		if err != nil {
			return &usageError{err}
		}
		r := row{Name: name, Source: string(text)}
		for line := range strings.Lines(r.Source) {
			comment, ok := strings.CutPrefix(strings.TrimSpace(line), "# ")
			if !ok {
				break
			}
			r.Doc = strings.TrimSpace(r.Doc + " " + comment)
		}
		if all {
			r.Source = ""
		}
		rows = append(rows, r)
	}
	return writeJSON(w, rows)
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
