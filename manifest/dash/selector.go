package dash

import (
	"fmt"
	"strconv"
	"strings"
)

// selection is what an RFC 5261 selector points at: an element, one of its
// attributes, or its text.
type selection struct {
	parent  *node
	element *node
	attr    string // name without "@", "" when the element is meant
	text    bool
}

// find evaluates a selector of RFC 5261 §4.1: a path from the root whose steps
// are names or *, each with any number of predicates [n], [@a='v'], [child='v']
// and [.='v']; the last step may be @name or text(). It must select exactly one
// node.
func (n *node) find(selector string) (selection, error) {
	fail := func(why string) (selection, error) {
		return selection{}, fmt.Errorf("dash: patch selector %.120q %s", selector, why)
	}
	steps, err := steps(selector)
	if err != nil || len(steps) == 0 {
		return fail("is not a path")
	}
	at := selection{element: n}
	for i, s := range steps {
		last := i == len(steps)-1
		name, predicates, _ := strings.Cut(s, "[")
		switch {
		case name == "text()" && last && predicates == "":
			at.text = true
			return at, nil
		case strings.HasPrefix(name, "@") && last && i > 0:
			at.attr = name[1:]
			if _, ok := at.element.attr(at.attr); !ok {
				return fail("names an attribute that is not there")
			}
			return at, nil
		}
		candidates := at.element.children
		if i == 0 {
			candidates = []*node{n}
		}
		var found []*node
		for _, c := range candidates {
			if c.name != "" && (name == "*" || c.is(localName(name))) {
				found = append(found, c)
			}
		}
		if predicates != "" {
			if found, err = filter(found, "["+predicates); err != nil {
				return fail(err.Error())
			}
		}
		if len(found) != 1 {
			return fail(fmt.Sprintf("selects %d nodes at %q", len(found), s))
		}
		if i > 0 {
			at.parent = at.element
		}
		at.element = found[0]
	}
	return at, nil
}

// steps splits a path at the slashes outside quotes and brackets.
func steps(selector string) ([]string, error) {
	var out []string
	var quote byte
	depth, from := 0, 0
	s := strings.TrimPrefix(selector, "/")
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '/' && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	if quote != 0 || depth != 0 {
		return nil, ErrSyntax
	}
	return append(out, s[from:]), nil
}

func filter(found []*node, predicates string) ([]*node, error) {
	for predicates != "" {
		end := closing(predicates)
		if predicates[0] != '[' || end < 0 {
			return nil, fmt.Errorf("has a predicate that cannot be read")
		}
		p := strings.TrimSpace(predicates[1:end])
		predicates = predicates[end+1:]
		if n, err := strconv.Atoi(p); err == nil {
			if n < 1 || n > len(found) {
				return nil, nil
			}
			found = found[n-1 : n]
			continue
		}
		left, right, isTest := strings.Cut(p, "=")
		right = strings.TrimSpace(right)
		if !isTest || len(right) < 2 || right[0] != right[len(right)-1] || right[0] != '\'' && right[0] != '"' {
			return nil, fmt.Errorf("has a predicate that cannot be read")
		}
		want, left := right[1:len(right)-1], strings.TrimSpace(left)
		var kept []*node
		for _, n := range found {
			if n.test(left, want) {
				kept = append(kept, n)
			}
		}
		found = kept
	}
	return found, nil
}

func closing(s string) int {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ']':
			return i
		}
	}
	return -1
}

func (n *node) test(left, want string) bool {
	if name, ok := strings.CutPrefix(left, "@"); ok {
		v, present := n.attr(name)
		return present && v == want
	}
	if left == "." {
		return n.content() == want
	}
	for _, c := range n.children {
		if c.is(localName(left)) && c.content() == want {
			return true
		}
	}
	return false
}
