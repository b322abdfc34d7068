package cli

import (
	"errors"
	"io/fs"
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
			if output == "" {
				return usagef("name the file to write with -o")
			}
			if err := debian.CheckSuite(suite); err != nil {
				return usagef("--suite: %w", err)
			}
			in := debian.Initramfs{Files: map[string][]byte{}}
			var err error
			if initFile != "" {
				if in.Init, err = readSmall("--init", initFile); err != nil {
					return err
				}
			}
			for _, a := range add {
				from, to, err := parseAdd(a)
				if err != nil {
					return err
				}
				if in.Files[to], err = readSmall("--add", from); err != nil {
					return err
				}
			}
			g, err := debian.CachedSuite(suite)
			if err != nil {
				return fail(exitDiffers, "%w", err)
			}
			data, err := g.Initramfs(in)
			if err != nil {
				return err
			}
			if err := os.WriteFile(output, data, 0o644); err != nil {
				return fail(exitOutput, "%w", unwritable(err, "--output"))
			}
			return nil
		},
	}
	suiteFlag(c, &suite)
	c.Flags().StringVar(&initFile, "init", "", "program or script to run as process 1")
	c.Flags().StringArrayVar(&add, "add", nil, "file to add, as FILE:PATH; repeatable")
	c.Flags().StringVarP(&output, "output", "o", "", "file to write")
	return c
}

// parseAdd reads FILE:PATH.
func parseAdd(text string) (from, to string, err error) {
	from, to, _ = strings.Cut(text, ":")
	to = strings.Trim(to, "/")
	if from == "" || !fs.ValidPath(to) || to == "." || strings.ContainsRune(to, 0) {
		return "", "", usagef("--add %s: write FILE:PATH, with the path in the initramfs, as in ./bench:bin/bench", clip(text))
	}
	return from, to, nil
}

// readSmall reads a file that will lie in memory.
func readSmall(flag, name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, fileFault(flag, name, err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fileFault(flag, name, err)
	}
	return data, nil
}
