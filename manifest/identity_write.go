package manifest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteJSON writes the comparison as one JSON object, indented.
func (id Identity) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(id)
}

// WriteText writes the comparison for people.
func (id Identity) WriteText(w io.Writer) error {
	var b strings.Builder
	verdict := "NOT SHARED"
	if id.Shared {
		verdict = "SHARED"
	}
	fmt.Fprintf(&b, "%s: %s\n  A  %s\n  B  %s\n\n", verdict, id.Verdict, id.A, id.B)
	if id.Swarm.Same {
		fmt.Fprintf(&b, "swarm   same    %s\n", id.Swarm.A)
	} else {
		fmt.Fprintf(&b, "swarm   differs %s\n                %s\n        %s\n", or(id.Swarm.A, "?"), or(id.Swarm.B, "?"), id.Swarm.Why)
	}
	for _, t := range id.Tracks {
		t.text(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t TrackIdentity) text(b *strings.Builder) {
	word := "differs"
	if t.Agree {
		word = "agrees "
	}
	switch {
	case t.B == nil:
		fmt.Fprintf(b, "%-7s only A  %s\n", t.Kind, t.A.Key)
		return
	case t.A == nil:
		fmt.Fprintf(b, "%-7s only B  %s\n", t.Kind, t.B.Key)
		return
	case t.A.Key == t.B.Key:
		fmt.Fprintf(b, "%-7s %s %s", t.Kind, word, t.A.Key)
	default:
		fmt.Fprintf(b, "%-7s %s %s and %s", t.Kind, word, t.A.Key, t.B.Key)
	}
	fmt.Fprintf(b, "  (%d and %d segments, %d the same key)\n", t.A.Segments, t.B.Segments, t.SameKeys)
	for _, r := range t.Reasons {
		fmt.Fprintf(b, "        %s\n", r.Text)
	}
	for _, r := range t.Warnings {
		fmt.Fprintf(b, "        warning: %s\n", r.Text)
	}
	for _, e := range t.Examples {
		fmt.Fprintf(b, "        %s is %s and %s\n", e.Path, e.A, e.B)
	}
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}
