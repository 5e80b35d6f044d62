package dash

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
)

// resolveToZero is the link that stands for no element at all (ISO/IEC 23009-1
// §5.5.3).
const resolveToZero = "urn:mpeg:dash:resolve-to-zero:2013"

// link is a remote element, fetched once for the life of a Reader.
type link struct {
	elements []*node
	err      error
}

// hasLink is a cheap test for xlink attributes.
func hasLink(body []byte) bool {
	return bytes.Contains(body, []byte(":href")) && bytes.Contains(body, []byte("xlink"))
}

// resolveLinks puts remote elements in the place of those that refer to them.
// An element whose target is not known yet is left as it is and its target
// listed in missing; one whose target cannot be had or does not fit keeps the
// content it has (§5.5.3).
func (r *Reader) resolveLinks(base string, raw []byte) (body []byte, missing []string, err error) {
	if !hasLink(raw) {
		return raw, nil, nil
	}
	top, err := parseTree(raw)
	if err != nil {
		return nil, nil, err
	}
	e := linker{reader: r, base: base}
	var out bytes.Buffer
	for _, n := range top {
		if err := e.expand(n, 0); err != nil {
			return nil, nil, err
		}
		n.write(&out)
	}
	return out.Bytes(), e.missing, nil
}

type linker struct {
	reader  *Reader
	base    string
	missing []string

	nodes    int
	expanded int
}

// linkable are the elements whose remote form changes a segment list.
func linkable(n *node) bool {
	switch localName(n.name) {
	case "Period", "AdaptationSet", "Representation", "SegmentList", "SegmentTimeline":
		return true
	}
	return false
}

func href(n *node) string {
	for _, a := range n.attrs {
		if localName(a.name) == "href" && a.name != "href" {
			return strings.TrimSpace(a.value)
		}
	}
	return ""
}

func (e *linker) expand(n *node, depth int) error {
	if e.nodes++; e.nodes > maxTreeNodes {
		return fmt.Errorf("dash: more than %d elements after xlink resolution: %w", maxTreeNodes, ErrLimit)
	}
	children := make([]*node, 0, len(n.children))
	for _, c := range n.children {
		if c.name == "" || !linkable(c) || href(c) == "" {
			if err := e.expand(c, depth); err != nil {
				return err
			}
			children = append(children, c)
			continue
		}
		remote, known := e.target(c, depth)
		if !known {
			children = append(children, c)
			continue
		}
		if e.expanded++; e.expanded > MaxExpansions {
			return fmt.Errorf("dash: more than %d remote elements put in place: %w", MaxExpansions, ErrLimit)
		}
		for _, m := range remote {
			m = m.clone()
			if err := e.expand(m, depth+1); err != nil {
				return err
			}
			children = append(children, m)
		}
	}
	n.children = children
	return nil
}

// target returns what stands in the place of n, nothing for resolve-to-zero.
func (e *linker) target(n *node, depth int) (remote []*node, known bool) {
	to := href(n)
	if to == resolveToZero {
		return nil, true
	}
	url := resolve(e.base, to)
	l := e.reader.links[url]
	switch {
	case depth >= MaxLinkDepth:
		return nil, false
	case l == nil:
		if len(e.missing) < MaxLinks && len(e.reader.links) < MaxLinks && !contains(e.missing, url) {
			e.missing = append(e.missing, url)
		}
		return nil, false
	case l.err != nil:
		return nil, false
	}
	for _, m := range l.elements {
		if m.is(localName(n.name)) {
			remote = append(remote, m)
		}
	}
	return remote, len(remote) > 0
}

func (n *node) clone() *node {
	c := *n
	c.children = make([]*node, len(n.children))
	for i, m := range n.children {
		c.children[i] = m.clone()
	}
	return &c
}

// fetchLinks gets the missing remote elements.
func (r *Reader) fetchLinks(ctx context.Context, fetch Fetch) {
	got := make([]*link, len(r.missing))
	slots := make(chan struct{}, maxFetches)
	var wg sync.WaitGroup
	for i, url := range r.missing {
		slots <- struct{}{}
		wg.Go(func() {
			got[i] = fetchLink(ctx, fetch, url)
			<-slots
		})
	}
	wg.Wait()
	for i, url := range r.missing {
		r.links[url] = got[i]
	}
}

func fetchLink(ctx context.Context, fetch Fetch, url string) *link {
	if !fetchable(url) {
		return &link{err: fmt.Errorf("not an http URL")}
	}
	a, err := fetch(ctx, Request{URL: url, Last: -1})
	if err != nil {
		return &link{err: err}
	}
	elements, err := parseTree(a.Body)
	return &link{elements, err}
}
