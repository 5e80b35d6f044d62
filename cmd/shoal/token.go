package main

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal/token"
)

func tokenCommand() *cobra.Command {
	var key, secret string
	var g token.Grant
	var valid time.Duration
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Mint a join token for a signalling server",
		Long: `Mints a JSON Web Token that admits to one swarm of a signalling server started
with --tokens, until it expires. Any JWT library can do the same: algorithm HS256 or
EdDSA, "kid" in the header, and the claims "swarm" (the swarm's name, its blinded
name, or * for all), "exp", and, for one member only, "sub" (its id).

The server's key file has a line for each key: an id, HS256 or EdDSA, and the secret
(base64, 32 bytes or more) or the public key that 'shoal keygen' prints. To rotate,
add the new key, mint with it, and remove the old one when its last token expired;
the server reads the file again by itself.

A token is asked for when a member joins. Half a minute after it has expired, its member
is refused, keeps its links, and may join again with another: --token-file of the
commands that are peers is read at each connect.`,
		Example: `  shoal keygen --out token.key
  echo "2026-11 EdDSA $(shoal keygen --show token.key)" >> tokens.keys
  shoal signal --tokens tokens.keys
  shoal token --key token.key --kid 2026-11 --swarm https://cdn.example/live.mpd --valid 6h`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (key == "") == (secret == "") {
				return usagef("either --key or --secret-file is required")
			}
			if g.KeyID == "" || g.Swarm == "" {
				return usagef("--kid and --swarm are required")
			}
			if valid <= 0 {
				return usagef("--valid %s: want a time that is not over", valid)
			}
			var private ed25519.PrivateKey
			var shared []byte
			var err error
			if key != "" {
				private, err = segments.LoadKey(key)
			} else {
				shared, err = readSecret(secret)
			}
			if err != nil {
				return err
			}
			g.Expires = time.Now().Add(valid)
			text, err := token.Mint(g, private, shared)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), text)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "private key file made by 'shoal keygen' (EdDSA)")
	f.StringVar(&secret, "secret-file", "", "file with the base64 secret (HS256)")
	f.StringVar(&g.KeyID, "kid", "", "id of the key in the server's file (required)")
	f.StringVar(&g.Swarm, "swarm", "", "swarm it admits to: the manifest's canonical URL, or the name given with --swarm; * for all (required)")
	f.StringVar(&g.Member, "member", "", "id of the only member it admits (default: whoever shows it)")
	f.DurationVar(&valid, "valid", time.Hour, "how long it is valid")
	return cmd
}

func readSecret(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	return token.ParseSecret(strings.TrimSpace(string(b)))
}
