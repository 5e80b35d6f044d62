package dash

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPatch is wrapped by every reason for which an MPD patch cannot be applied.
// The whole MPD must be loaded then (ISO/IEC 23009-1 §5.15.3).
var ErrPatch = errors.New("the MPD patch does not fit")

// patched applies an MPD patch document (ISO/IEC 23009-1 §5.15, operations of
// RFC 5261) to the MPD in force and returns the new MPD.
func (r *Reader) patched(patch []byte) ([]byte, error) {
	if r.raw == nil {
		return nil, fmt.Errorf("dash: there is no MPD to patch: %w", ErrPatch)
	}
	doc, err := parseTree(r.raw)
	if err != nil {
		return nil, err
	}
	ops, err := parseTree(patch)
	if err != nil {
		return nil, err
	}
	mpd, p := rootOf(doc, "MPD"), rootOf(ops, "Patch")
	if mpd == nil || p == nil {
		return nil, fmt.Errorf("dash: no MPD or no Patch element: %w", ErrPatch)
	}
	if err := fits(mpd, p); err != nil {
		return nil, err
	}
	for i, op := range p.children {
		if op.name == "" {
			continue
		}
		if err := mpd.apply(op); err != nil {
			return nil, fmt.Errorf("dash: patch operation %d: %w: %w", i+1, err, ErrPatch)
		}
	}
	return mpd.bytes(), nil
}

func rootOf(top []*node, name string) *node {
	for _, n := range top {
		if n.is(name) {
			return n
		}
	}
	return nil
}

// fits checks that the patch was made for this MPD: same id, and the publishTime
// that it starts from (§5.15.2).
func fits(mpd, patch *node) error {
	id, _ := mpd.attr("id")
	if want, ok := patch.attr("mpdId"); ok && want != id {
		return fmt.Errorf("dash: patch for MPD %.40q, this one is %.40q: %w", want, id, ErrPatch)
	}
	published, _ := mpd.attr("publishTime")
	from, ok := patch.attr("originalPublishTime")
	if !ok || from == published {
		return nil
	}
	a, errA := ParseDateTime(published)
	b, errB := ParseDateTime(from)
	if errA != nil || errB != nil || !a.Equal(b) {
		return fmt.Errorf("dash: patch of the MPD published at %.40q, this one is of %.40q: %w", from, published, ErrPatch)
	}
	return nil
}

// apply does one RFC 5261 operation.
func (n *node) apply(op *node) error {
	selector, ok := op.attr("sel")
	if !ok {
		return fmt.Errorf("no selector")
	}
	at, err := n.find(selector)
	if err != nil {
		return err
	}
	switch localName(op.name) {
	case "add":
		return at.add(op)
	case "replace":
		return at.replace(op)
	case "remove":
		return at.remove()
	}
	return fmt.Errorf("unknown operation %.40q", op.name)
}

// add is RFC 5261 §4.3.
func (s selection) add(op *node) error {
	if s.attr != "" || s.text {
		return fmt.Errorf("only an element can be added to")
	}
	if kind, ok := op.attr("type"); ok {
		name, isAttr := strings.CutPrefix(kind, "@")
		if _, exists := s.element.attr(name); !isAttr || exists {
			return fmt.Errorf("type %.40q cannot be added", kind)
		}
		s.element.attrs = append(s.element.attrs, attr{name, strings.TrimSpace(op.content())})
		return nil
	}
	pos, _ := op.attr("pos")
	switch pos {
	case "":
		s.element.children = append(s.element.children, op.children...)
	case "prepend":
		s.element.insert(0, op.children)
	case "before", "after":
		if s.parent == nil {
			return fmt.Errorf("nothing can be added %s the root", pos)
		}
		i := s.parent.indexOf(s.element)
		if pos == "after" {
			i++
		}
		s.parent.insert(i, op.children)
	default:
		return fmt.Errorf("unknown position %.40q", pos)
	}
	return nil
}

// replace is RFC 5261 §4.4.
func (s selection) replace(op *node) error {
	switch {
	case s.attr != "":
		for i := range s.element.attrs {
			if s.element.attrs[i].name == s.attr {
				s.element.attrs[i].value = strings.TrimSpace(op.content())
			}
		}
		return nil
	case s.text:
		s.element.children = append(s.element.elements(), &node{text: op.content()})
		return nil
	}
	with := op.elements()
	if len(with) != 1 {
		return fmt.Errorf("an element is replaced by %d elements", len(with))
	}
	*s.element = *with[0]
	return nil
}

// remove is RFC 5261 §4.5.
func (s selection) remove() error {
	switch {
	case s.attr != "":
		kept := s.element.attrs[:0]
		for _, a := range s.element.attrs {
			if a.name != s.attr {
				kept = append(kept, a)
			}
		}
		s.element.attrs = kept
	case s.text:
		s.element.children = s.element.elements()
	case s.parent == nil:
		return fmt.Errorf("the root cannot be removed")
	default:
		i := s.parent.indexOf(s.element)
		s.parent.children = append(s.parent.children[:i:i], s.parent.children[i+1:]...)
	}
	return nil
}

func (n *node) elements() []*node {
	var out []*node
	for _, c := range n.children {
		if c.name != "" {
			out = append(out, c)
		}
	}
	return out
}

func (n *node) indexOf(child *node) int {
	for i, c := range n.children {
		if c == child {
			return i
		}
	}
	return 0
}

func (n *node) insert(i int, nodes []*node) {
	out := append([]*node(nil), n.children[:i]...)
	out = append(out, nodes...)
	n.children = append(out, n.children[i:]...)
}
