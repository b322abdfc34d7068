package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/guests/debian"
)

func newGuest() *cobra.Command {
	c := &cobra.Command{
		Use:   "guest",
		Short: "Fetch operating systems to boot",
		Long: `Operating systems that mcsim can boot are not part of it: they are fetched from
where their makers publish them, and kept in the user's cache directory.`,
		Example: `  mcsim guest fetch debian
  mcsim run --kernel guest:debian --harts 4`,
	}
	c.AddCommand(newGuestFetch(), newGuestShow(), newGuestInitramfs())
	return c
}

func newGuestFetch() *cobra.Command {
	var o debian.Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "fetch debian",
		Short: "Fetch Debian's riscv64 kernel, busybox and OpenSBI",
		Long: `Fetches the newest kernel of Debian 13 (trixie) for riscv64, untouched, with
busybox and OpenSBI of the same release, about 115 MB. apt fetches them, with
directories of its own and without root; it checks the archive's signature with
Debian's keyring. The mirror is the one that this machine's apt uses, or the one
in ` + debian.MirrorVariable + `.

Other suites are named as apt names them, and kept apart: what --suite sid brings
is guest:debian/sid.`,
		Example: `  mcsim guest fetch debian
  mcsim guest fetch debian --suite sid && mcsim run --kernel guest:debian/sid
  mcsim guest fetch debian --mirror http://mirror.example/debian`,
		Args: oneGuest,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := debian.CheckSuite(o.Suite); err != nil {
				return usagef("--suite: %w", err)
			}
			if !asJSON {
				o.Progress = func(format string, args ...any) {
					fmt.Fprintf(cmd.ErrOrStderr(), "mcsim: "+format+"\n", args...)
				}
			}
			if o.Mirror == "" {
				o.Mirror = os.Getenv(debian.MirrorVariable)
			}
			if u, err := url.Parse(o.Mirror); o.Mirror != "" && (err != nil || u.Scheme == "" || strings.ContainsAny(o.Mirror, " []")) {
				return usagef("--mirror %s: write the URI of a Debian archive, as in http://mirror.example/debian", clip(o.Mirror))
			}
			stop := newStopper()
			defer stop.close()
			g, err := debian.Fetch(stop.ctx, o)
			if err != nil {
				if stop.ctx.Err() != nil {
					return &exitError{code: stop.code()}
				}
				if errors.Is(err, debian.ErrNoSuite) {
					return usagef("--suite %s: %w", o.Suite, err)
				}
				return fail(exitDiffers, "%w", err)
			}
			return tellGuest(cmd, g, asJSON)
		},
	}
	suiteFlag(c, &o.Suite)
	c.Flags().StringVar(&o.Mirror, "mirror", "", "URI of a Debian archive, instead of the machine's own")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was fetched as JSON")
	return c
}

func suiteFlag(c *cobra.Command, suite *string) {
	c.Flags().StringVar(suite, "suite", debian.DefaultSuite, "release of Debian, as apt names it: trixie, testing, sid")
}

func newGuestShow() *cobra.Command {
	var suite string
	var asJSON bool
	c := &cobra.Command{
		Use:     "show debian",
		Short:   "Show what was fetched, and where it is",
		Example: `  mcsim guest show debian --json`,
		Args:    oneGuest,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := debian.CheckSuite(suite); err != nil {
				return usagef("--suite: %w", err)
			}
			g, err := debian.CachedSuite(suite)
			if err != nil {
				return fail(exitDiffers, "%w", err)
			}
			return tellGuest(cmd, g, asJSON)
		},
	}
	suiteFlag(c, &suite)
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return c
}

func oneGuest(_ *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] != debian.Name {
		return usagef("name the guest, which is %s", debian.Name)
	}
	return nil
}

func tellGuest(cmd *cobra.Command, g *debian.Guest, asJSON bool) error {
	w := cmd.OutOrStdout()
	if asJSON {
		return writeJSON(w, struct {
			Name     string            `json:"name"`
			Suite    string            `json:"suite"`
			Packages map[string]string `json:"packages"`
			Kernel   string            `json:"kernel"`
			Busybox  string            `json:"busybox"`
			BIOS     string            `json:"bios"`
			Modules  string            `json:"modules"`
		}{debian.Name, g.Suite, g.Packages, g.KernelFile(), g.BusyboxFile(), g.BIOSFile(), g.ModulesDir()})
	}
	for _, f := range []struct{ what, file string }{
		{"kernel", g.KernelFile()}, {"busybox", g.BusyboxFile()}, {"bios", g.BIOSFile()}, {"modules", g.ModulesDir()},
	} {
		fmt.Fprintf(w, "%-8s %s\n", f.what, f.file)
	}
	fmt.Fprintf(w, "boot it with: mcsim run --kernel guest:%s\n", g.FullName())
	return nil
}
