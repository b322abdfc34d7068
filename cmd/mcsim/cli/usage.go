package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mcsim/machine/config"
)

// teach words what the library says of wrong arguments as all our mistakes, for c and
// its subcommands: what is wrong; the likely fix.
func teach(c *cobra.Command) {
	if c.Name() == "help" {
		c.Run, c.RunE = nil, help
		return
	}
	if c.HasSubCommands() {
		refuseUnknown(c)
		for _, sub := range c.Commands() {
			teach(sub)
		}
		return
	}
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil || isUsage(err) {
			return err
		}
		_, takes, _ := strings.Cut(cmd.Use, " ")
		takes = strings.TrimSuffix(strings.TrimSuffix(takes, "[flags]"), " ")
		if takes == "" {
			takes = "no arguments"
		}
		return usagef("%s takes %s, and got %s", cmd.CommandPath(), takes, plural(len(args), "argument"))
	}
}

// addLibrarys adds the commands that the library brings, with what ours have.
func addLibrarys(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  mcsim help trace convert"
		case "completion":
			c.Example = "  mcsim completion bash > ~/.local/share/bash-completion/completions/mcsim"
			for _, shell := range c.Commands() {
				shell.Example = "  mcsim completion " + shell.Name()
			}
		}
	}
}

// help prints the help of the command that the arguments name.
func help(cmd *cobra.Command, args []string) error {
	c, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return usagef("there is no help for %q; mcsim help lists the commands", strings.Join(args, " "))
	}
	c.InitDefaultHelpFlag()
	return c.Help()
}

// refuseUnknown makes a command that only holds others complain about a
// subcommand that it has not, instead of printing its help.
func refuseUnknown(c *cobra.Command) {
	c.SuggestionsMinimumDistance = 2
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				names = append(names, sub.Name())
			}
		}
		hint := "there is " + strings.Join(names, ", ")
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + near[0] + "?"
		}
		return usagef("unknown command %q for %q; %s", clip(args[0]), cmd.CommandPath(), hint)
	}
}

// flagError words the library's complaints about flags.
func flagError(cmd *cobra.Command, err error) error {
	var (
		none    *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &none):
		name := none.GetSpecifiedName()
		if none.GetSpecifiedShortnames() != "" {
			return usagef("unknown flag -%s", name)
		}
		return usagef("unknown flag --%s%s", clip(name), flagHint(cmd, name))
	case errors.As(err, &missing):
		f := missing.GetFlag()
		return usagef("--%s needs a value: --%s %s", f.Name, f.Name, strings.ToUpper(f.Value.Type()))
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return usagef("--%s %s: %s", f.Name, clip(invalid.GetValue()), expected(f.Value.Type(), invalid.Unwrap()))
	}
	return &usageError{err}
}

// expected says what a flag of a type takes.
func expected(kind string, err error) string {
	switch kind {
	case "int", "uint64":
		return "write a whole number, from 0 up"
	case "float64":
		return "write a number, as in 2.5"
	case "bool":
		return "write true or false"
	}
	return err.Error()
}

// flagHint guesses what an unknown flag was meant to be: another one, or a field of
// the configuration.
func flagHint(cmd *cobra.Command, name string) string {
	var flags, fields []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	if near := config.Nearest(name, flags); near != "" {
		return "; did you mean --" + near + "?"
	}
	if cmd.Flags().Lookup("set") == nil {
		return ""
	}
	for _, f := range config.Fields() {
		if f.Path == name || f.Name == strings.ReplaceAll(name, "-", "_") {
			fields = append(fields, f.Path)
		}
	}
	if len(fields) == 1 {
		return "; did you mean --set " + fields[0] + "=VALUE?"
	}
	return ""
}

// exclusive refuses two flags that say different things.
func exclusive(cmd *cobra.Command, a, b string) error {
	if changed(cmd, a) && changed(cmd, b) {
		return usagef("--%s and --%s do not go together; leave one of them out", a, b)
	}
	return nil
}
