package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/segments"
)

func keygenCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make a signing key for seeds",
		Long: `Makes an Ed25519 key with which a seed vouches for the segments it fetched.

The private key goes to a file that only its owner can read; the public key is
printed. Give the file to 'shoal seed --key' and the public key to
'shoal signal --signing-key', which announces it to every viewer.`,
		Example: `  shoal keygen --out seed.key
  shoal seed --key seed.key --signal ws://signal.example/ws https://cdn.example/live.mpd
  shoal signal --signing-key $(shoal keygen --show seed.key)`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if show, _ := cmd.Flags().GetString("show"); show != "" {
				key, err := segments.LoadKey(show)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), segments.EncodePublicKey(segments.NewSigner(key).Public()))
				return nil
			}
			key, err := segments.GenerateKey()
			if err != nil {
				return err
			}
			if err := segments.SaveKey(out, key); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "private key written to %s; the public key is\n", out)
			fmt.Fprintln(cmd.OutOrStdout(), segments.EncodePublicKey(segments.NewSigner(key).Public()))
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "shoal.key", "file for the private key; an existing one is never replaced")
	cmd.Flags().String("show", "", "print the public key of this private key file instead")
	return cmd
}
