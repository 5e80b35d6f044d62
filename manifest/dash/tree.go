package dash

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is one element or one run of text of a document that must be edited
// before it is decoded: remote elements put in place, patches applied. Names
// keep their prefix; comments and processing instructions are dropped.
type node struct {
	name     string // "" for text
	attrs    []attr
	children []*node
	text     string
}

type attr struct{ name, value string }

// maxTreeNodes bounds a tree, with everything that links put into it.
const maxTreeNodes = MaxElements + MaxTimelineEntries

// parseTree reads a document, or the several top-level elements of a remote
// entity.
func parseTree(body []byte) ([]*node, error) {
	if len(body) > MaxBytes {
		return nil, fmt.Errorf("dash: document of %d bytes, the limit is %d: %w", len(body), MaxBytes, ErrLimit)
	}
	body, err := toUTF8(body)
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	top := &node{}
	stack := []*node{top}
	for count := 0; ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := d.InputPos()
		if err != nil {
			return nil, fmt.Errorf("dash: line %d: %w: %w", line, err, ErrSyntax)
		}
		parent := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.Directive:
			return nil, fmt.Errorf("dash: line %d: document type declarations are refused: %w", line, ErrSyntax)
		case xml.StartElement:
			if count++; count > maxTreeNodes {
				return nil, overLimit(line, "elements", maxTreeNodes)
			}
			if len(stack) > MaxDepth {
				return nil, overLimit(line, "levels of nested elements", MaxDepth)
			}
			n := &node{name: prefixed(token.Name)}
			for _, a := range token.Attr {
				n.attrs = append(n.attrs, attr{prefixed(a.Name), a.Value})
			}
			parent.children = append(parent.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			if len(stack) == 1 || prefixed(token.Name) != parent.name {
				return nil, fmt.Errorf("dash: line %d: element %s closes %s: %w", line, prefixed(token.Name), parent.name, ErrSyntax)
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if text := string(token); strings.TrimSpace(text) != "" {
				parent.children = append(parent.children, &node{text: text})
			}
		}
	}
	if len(stack) > 1 {
		return nil, fmt.Errorf("dash: document ends inside %s: %w", stack[len(stack)-1].name, ErrSyntax)
	}
	return top.children, nil
}

func prefixed(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

func localName(s string) string { return s[strings.IndexByte(s, ':')+1:] }

// is compares without the prefix: the mpd package does so too.
func (n *node) is(name string) bool { return n.name != "" && localName(n.name) == name }

func (n *node) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

func (n *node) content() string {
	var b strings.Builder
	for _, c := range n.children {
		if c.name == "" {
			b.WriteString(c.text)
		}
	}
	return b.String()
}

// write appends the document text of n.
func (n *node) write(b *bytes.Buffer) {
	if n.name == "" {
		xml.EscapeText(b, []byte(n.text)) // a Buffer does not fail
		return
	}
	b.WriteString("<" + n.name)
	for _, a := range n.attrs {
		b.WriteString(" " + a.name + `="`)
		xml.EscapeText(b, []byte(a.value))
		b.WriteByte('"')
	}
	if len(n.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	for _, c := range n.children {
		c.write(b)
	}
	b.WriteString("</" + n.name + ">")
}

func (n *node) bytes() []byte {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}
