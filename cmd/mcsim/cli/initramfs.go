package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/guests/debian"
)

func newGuestInitramfs() *cobra.Command {
	var initFile, output, suite string
	var add []string
	c := &cobra.Command{
		Use:   "initramfs -o FILE",
		Short: "Make an initramfs of busybox and programs of your own",
		Long: `Makes an initramfs for --initrd: busybox, a shell on the console as process 1, or
your own in its place, and whatever else is added. Programs must be linked
statically; Go's are with GOOS=linux GOARCH=riscv64 CGO_ENABLED=0. The same input
gives the same bytes.`,
		Example: `  mcsim guest initramfs --add ./bench:bin/bench -o initrd.img
  mcsim run --kernel guest:debian --initrd initrd.img`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			in := debian.Initramfs{Files: map[string][]byte{}}
			var err error
			if initFile != "" {
				if in.Init, err = os.ReadFile(initFile); err != nil {
					return err
				}
			}
			for _, a := range add {
				from, to, ok := strings.Cut(a, ":")
				if !ok || to == "" {
					return usagef("--add %s: write FILE:PATH, with the path in the initramfs", a)
				}
				if in.Files[strings.Trim(to, "/")], err = os.ReadFile(from); err != nil {
					return err
				}
			}
			if output == "" {
				return usagef("name the file to write with -o")
			}
			g, err := debian.CachedSuite(suite)
			if err != nil {
				return fail(exitDiffers, "%w", err)
			}
			data, err := g.Initramfs(in)
			if err != nil {
				return err
			}
			return os.WriteFile(output, data, 0o644)
		},
	}
	suiteFlag(c, &suite)
	c.Flags().StringVar(&initFile, "init", "", "program or script to run as process 1")
	c.Flags().StringArrayVar(&add, "add", nil, "file to add, as FILE:PATH; repeatable")
	c.Flags().StringVarP(&output, "output", "o", "", "file to write")
	return c
}
