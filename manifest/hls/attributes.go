package hls

import "strings"

// attribute is one AttributeName=AttributeValue of an attribute list (RFC
// 8216bis §4.2), quotes removed.
type attribute struct{ name, value string }

// attributes is a tag's attribute list, in order.
type attributes []attribute

// parseAttributes reads an attribute list more leniently than the RFC writes
// it: blanks around names, "=" and "," are dropped, a missing closing quote
// ends with the line, a name without a value is skipped.
func parseAttributes(s string) attributes {
	list := make(attributes, 0, 4)
	for len(list) < MaxAttributes {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			break
		}
		end := strings.IndexAny(s, "=,")
		if end < 0 {
			break
		}
		if s[end] == ',' {
			s = s[end:]
			continue
		}
		name := strings.TrimRight(s[:end], " \t")
		s = strings.TrimLeft(s[end+1:], " \t")
		var value string
		if strings.HasPrefix(s, `"`) {
			value, s, _ = strings.Cut(s[1:], `"`)
		} else {
			value, s, _ = strings.Cut(s, ",")
			value = strings.TrimRight(value, " \t")
		}
		list = append(list, attribute{name, value})
	}
	return list
}

// get returns the value of the first attribute of that name, "" when absent:
// no HLS attribute means anything when it is empty.
func (a attributes) get(name string) string {
	for i := range a {
		if a[i].name == name {
			return a[i].value
		}
	}
	return ""
}

// yes reports an enumerated-string attribute that is YES.
func (a attributes) yes(name string) bool { return a.get(name) == "YES" }
