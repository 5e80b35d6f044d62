package hls

import (
	"fmt"
	"net/url"
	"strings"
)

// variables are a document's EXT-X-DEFINE (RFC 8216bis §4.4.2.3). Substitution
// happens in parsed values only, never in raw lines: a query parameter's value
// must not be able to add attributes.
type variables struct {
	values   map[string]string
	imports  map[string]string // the multivariant playlist's, nil without one
	query    url.Values        // of the playlist's own URL
	expanded int               // bytes that substitution has produced so far
}

// define reads one EXT-X-DEFINE. The RFC makes the client fail on a name given
// twice, on an import of an unknown name and on a missing query parameter.
func (v *variables) define(a attributes) error {
	name, value := a.get("NAME"), a.get("VALUE")
	switch {
	case name != "":
	case a.get("IMPORT") != "":
		name = a.get("IMPORT")
		imported, ok := v.imports[name]
		if !ok {
			return fmt.Errorf("%w: EXT-X-DEFINE imports %q, which the multivariant playlist does not define", ErrSyntax, name)
		}
		value = imported
	case a.get("QUERYPARAM") != "":
		name = a.get("QUERYPARAM")
		if !v.query.Has(name) {
			return fmt.Errorf("%w: EXT-X-DEFINE wants the query parameter %q, which the playlist's URL does not have", ErrSyntax, name)
		}
		value = v.query.Get(name)
	default:
		return fmt.Errorf("%w: EXT-X-DEFINE without NAME, IMPORT or QUERYPARAM", ErrSyntax)
	}
	if _, twice := v.values[name]; twice {
		return fmt.Errorf("%w: EXT-X-DEFINE defines %q twice", ErrSyntax, name)
	}
	if len(v.values) >= MaxVariables {
		return fmt.Errorf("%w: more than %d variables", ErrLimit, MaxVariables)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == '"' || r == 0x7f }) {
		return fmt.Errorf("%w: the value of variable %q has a quote or a control character", ErrSyntax, name)
	}
	if v.values == nil {
		v.values = make(map[string]string)
	}
	v.values[name] = value
	return nil
}

// substitute replaces {$name} in s. A document that defines nothing is left
// alone: "{$" was an ordinary text before version 8.
func (v *variables) substitute(s string) (string, error) {
	if len(v.values) == 0 || !strings.Contains(s, "{$") {
		return s, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{$")
		b.WriteString(before)
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("{$" + rest)
			break
		}
		value, ok := v.values[name]
		if !ok {
			return "", fmt.Errorf("%w: variable %q is not defined", ErrSyntax, name)
		}
		b.WriteString(value)
		if s = after; b.Len()+len(s) > MaxLineBytes {
			return "", fmt.Errorf("%w: a line of more than %d bytes after substitution", ErrLimit, MaxLineBytes)
		}
	}
	v.expanded += b.Len()
	if v.expanded > MaxExpandedBytes {
		return "", fmt.Errorf("%w: more than %d bytes of substituted text", ErrLimit, MaxExpandedBytes)
	}
	return b.String(), nil
}

// attributes parses a list and substitutes in its values.
func (v *variables) attributes(s string) (attributes, error) {
	list := parseAttributes(s)
	for i := range list {
		value, err := v.substitute(list[i].value)
		if err != nil {
			return nil, err
		}
		list[i].value = value
	}
	return list, nil
}
