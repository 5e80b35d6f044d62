// Package vector writes what a brain was told and what it answered as JSON, for
// other implementations of the brain to replay.
//
// It works by reflection, so that a new input, effect or message is exported the
// day it is written, and knows nothing of package swarm, so that the tests inside
// that package can use it. swarm/testdata/vectors/README.md describes the format.
package vector

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Story is one brain's life.
type Story struct {
	Name   string
	About  string
	Config any
	Steps  []Step
}

// Step is one input with all it led to.
type Step struct {
	At      time.Duration
	Input   any
	Effects []any
	Next    *Next     // nil: nothing is due
	Random  []float64 // drawn meanwhile, in order
}

// Next is when a Tick is wanted, and why.
type Next struct {
	At  time.Duration
	Why string
}

// Marshal writes the story with one step a line.
func (s Story) Marshal() ([]byte, error) {
	var b bytes.Buffer
	var failed error
	put := func(v any) {
		if failed == nil {
			failed = appendValue(&b, reflect.ValueOf(v))
		}
	}
	b.WriteString(`{"name": `)
	put(s.Name)
	b.WriteString(",\n\"about\": ")
	put(s.About)
	b.WriteString(",\n\"config\": ")
	put(s.Config)
	b.WriteString(",\n\"steps\": [")
	for i, step := range s.Steps {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n{\"at\":")
		put(step.At)
		b.WriteString(`,"input":`)
		put(named{step.Input})
		b.WriteString(`,"effects":[`)
		for j, e := range step.Effects {
			if j > 0 {
				b.WriteByte(',')
			}
			put(named{e})
		}
		b.WriteString(`],"next":`)
		if step.Next == nil {
			b.WriteString("null")
		} else {
			put(*step.Next)
		}
		if len(step.Random) > 0 {
			b.WriteString(`,"random":`)
			put(step.Random)
		}
		b.WriteByte('}')
	}
	b.WriteString("\n]}\n")
	if failed != nil {
		return nil, fmt.Errorf("vector %s: %w", s.Name, failed)
	}
	if !json.Valid(b.Bytes()) {
		return nil, fmt.Errorf("vector %s: not JSON", s.Name)
	}
	return b.Bytes(), nil
}

// named writes a struct with its type's name in front.
type named struct{ v any }

var (
	durationType = reflect.TypeFor[time.Duration]()
	namedType    = reflect.TypeFor[named]()
	stringerType = reflect.TypeFor[fmt.Stringer]()
)

func appendValue(b *bytes.Buffer, v reflect.Value) error {
	if v.IsValid() && v.Type() == namedType {
		return appendNamed(b, reflect.ValueOf(v.Interface().(named).v))
	}
	switch {
	case !v.IsValid():
		b.WriteString("null")
		return nil
	case v.Type() == durationType:
		b.WriteString(milliseconds(time.Duration(v.Int())))
		return nil
	case v.Kind() == reflect.Int && v.Type().Implements(stringerType):
		return appendJSON(b, v.Interface().(fmt.Stringer).String())
	}
	switch v.Kind() {
	case reflect.Interface:
		return appendNamed(b, v.Elem())
	case reflect.Struct:
		b.WriteByte('{')
		if err := appendFields(b, v, true); err != nil {
			return err
		}
		b.WriteByte('}')
		return nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendJSON(b, hex.EncodeToString(v.Bytes()))
		}
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := appendValue(b, v.Index(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float64, reflect.String:
		return appendJSON(b, v.Interface())
	}
	return fmt.Errorf("no form for %s", v.Type())
}

func appendNamed(b *bytes.Buffer, v reflect.Value) error {
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return fmt.Errorf("want a struct, have %v", v)
	}
	fmt.Fprintf(b, `{"type":%q`, Snake(v.Type().Name()))
	if err := appendFields(b, v, false); err != nil {
		return err
	}
	b.WriteByte('}')
	return nil
}

// appendFields leaves out functions: they are the edge's.
func appendFields(b *bytes.Buffer, v reflect.Value, first bool) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Type.Kind() == reflect.Func {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(b, "%q:", Snake(field.Name))
		if err := appendValue(b, v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", field.Name, err)
		}
	}
	return nil
}

func appendJSON(b *bytes.Buffer, v any) error {
	text, err := json.Marshal(v)
	b.Write(text)
	return err
}

// milliseconds writes a duration exactly: a float64 of milliseconds would not hold
// every nanosecond of a long run.
func milliseconds(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	whole, rest := d/time.Millisecond, d%time.Millisecond
	if rest == 0 {
		return fmt.Sprintf("%s%d", sign, whole)
	}
	return sign + strings.TrimRight(fmt.Sprintf("%d.%06d", whole, rest), "0")
}

// Snake turns MaxPeers into max_peers, PeerIDs into peer_ids, RTT into rtt.
func Snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			after := i+1 < len(runes) && unicode.IsLower(runes[i+1]) && !(runes[i+1] == 's' && i+2 == len(runes))
			if !unicode.IsUpper(runes[i-1]) || after {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
