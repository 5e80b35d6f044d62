package manifest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden listings in testdata")

// fileSource serves testdata as http://cdn.test/.
type fileSource struct{}

func (fileSource) Fetch(_ context.Context, r Request) (Response, error) {
	name, ok := strings.CutPrefix(r.URL, corpusHost)
	if !ok {
		return Response{}, errors.New("no network in this test")
	}
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		return Response{Status: 404}, nil
	}
	return Response{Status: 200, Body: body}, nil
}

func TestGoldenListings(t *testing.T) {
	names, err := filepath.Glob("testdata/*.m[p3]*[d8]")
	if err != nil || len(names) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	at := time.Date(2024, 5, 1, 12, 0, 3, 250e6, time.UTC)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			p, err := Load(t.Context(), fileSource{}, corpusHost+filepath.Base(name), Options{At: at})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			n, err := List(p, at, 4*time.Second).WriteTo(&got)
			if err != nil || n != int64(got.Len()) {
				t.Fatalf("%d of %d bytes: %v", n, got.Len(), err)
			}
			golden := name + ".json"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
