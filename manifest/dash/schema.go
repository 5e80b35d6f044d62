package dash

import (
	"reflect"
	"strings"
	"sync"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// value is how the mpd package reads an attribute, and so what makes it refuse
// the whole document.
type value uint8

const (
	valueText value = iota
	valueBool
	valueUnsigned
	valueSigned
	valueFloat
	valueDuration
)

// attribute is one attribute that the mpd package decodes into something other
// than text.
type attribute struct {
	value value
	bits  int // of an integer
}

// element is one element as the mpd package knows it. Elements it does not know
// are skipped by its decoder and need no repair.
type element struct {
	name       string
	attributes map[string]attribute
	children   map[string]*element
	segments   bool // carries the attributes of SegmentBase, see widened
	timeline   bool // SegmentTimeline
	entry      bool // an S of a SegmentTimeline
}

// schema is the element tree of the mpd package, taken from its struct tags, so
// that it follows that package's version by itself.
var schema = sync.OnceValue(func() *element {
	known := map[reflect.Type]*element{}
	return describe(reflect.TypeFor[mpd.MPD](), "MPD", known)
})

func describe(t reflect.Type, name string, known map[reflect.Type]*element) *element {
	if e, ok := known[t]; ok && e.name == name {
		return e
	}
	e := &element{name: name, attributes: map[string]attribute{}, children: map[string]*element{}}
	known[t] = e
	e.addFields(t, known)
	_, e.segments = t.FieldByName("IndexRange")
	e.segments = e.segments && name != "SegmentURL"
	e.timeline = t == reflect.TypeFor[mpd.SegmentTimelineType]()
	e.entry = t == reflect.TypeFor[mpd.S]()
	return e
}

func (e *element) addFields(t reflect.Type, known map[reflect.Type]*element) {
	for i := range t.NumField() {
		f := t.Field(i)
		ft := f.Type
		for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
			ft = ft.Elem()
		}
		if f.Anonymous && ft.Kind() == reflect.Struct {
			e.addFields(ft, known)
			continue
		}
		tag, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
		if tag == "" || tag == "-" || f.Name == "XMLName" {
			continue
		}
		local := tag[strings.LastIndexByte(tag, ' ')+1:]
		local = local[strings.LastIndexByte(local, ':')+1:]
		if strings.HasPrefix(options, "attr") {
			if a := attributeOf(ft); a.value != valueText {
				e.attributes[local] = a
			}
			continue
		}
		if ft.Kind() == reflect.Struct {
			e.children[local] = describe(ft, local, known)
		}
	}
}

func attributeOf(t reflect.Type) attribute {
	switch t {
	case reflect.TypeFor[mpd.Duration]():
		return attribute{value: valueDuration}
	case reflect.TypeFor[mpd.FloatInf64]():
		return attribute{value: valueFloat}
	}
	switch t.Kind() {
	case reflect.Bool:
		return attribute{value: valueBool}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return attribute{valueSigned, t.Bits()}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return attribute{valueUnsigned, t.Bits()}
	case reflect.Float32, reflect.Float64:
		return attribute{value: valueFloat}
	default:
		return attribute{}
	}
}
