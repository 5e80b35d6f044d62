//go:build !linux

package realnet

func hurry() {}
