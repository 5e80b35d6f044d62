//go:build !linux

package browser

import "testing"

func hurry(testing.TB) {}
