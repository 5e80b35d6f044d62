package segments

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// maxEntryFile is the largest entry file in bytes; names and metadata have
// limits of their own below it.
const maxEntryFile = 16 << 10

// entryMagic begins an entry file and tells its version.
const entryMagic = "shoal-entry 1 "

var errEntry = errors.New("segments: bad entry file")

// diskEntry is what an entry file says: which content a key of a swarm has. The
// file is one line of entryMagic and the SHA-224 of the rest in hexadecimal,
// then the entry as JSON.
type diskEntry struct {
	Swarm        string          `json:"swarm"`
	Key          Key             `json:"key"`
	Size         int64           `json:"size"`
	Digest       string          `json:"digest"`
	ContentType  string          `json:"content_type,omitempty"`
	ETag         string          `json:"etag,omitempty"`
	LastModified string          `json:"last_modified,omitempty"`
	Statement    *entryStatement `json:"statement,omitempty"`
}

type entryStatement struct {
	Count     uint32 `json:"count"`
	Signature []byte `json:"signature"`
}

// encodeEntry returns the entry file of seg. It fails when that would be above
// maxEntryFile.
func encodeEntry(id entryID, seg *Segment) ([]byte, error) {
	meta := seg.Meta.bounded()
	e := diskEntry{
		Swarm: id.swarm, Key: id.key, Size: seg.Size, Digest: seg.Digest.String(),
		ContentType: meta.ContentType, ETag: meta.ETag, LastModified: meta.LastModified,
	}
	if st := seg.Statement; st != nil {
		e.Statement = &entryStatement{Count: st.Count, Signature: st.Signature[:]}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("segments: entry of %s: %w", id.key, err)
	}
	sum := sha256.Sum224(body)
	file := append([]byte(entryMagic), hex.EncodeToString(sum[:])...)
	file = append(append(file, '\n'), body...)
	if len(file) > maxEntryFile {
		return nil, fmt.Errorf("%w: entry of %s takes %d bytes, the limit is %d", ErrTooLarge, id.key, len(file), maxEntryFile)
	}
	return file, nil
}

// decodeEntry reads an entry file. Everything in it is checked, for the file may
// be torn, rotten or made by somebody else.
func decodeEntry(file []byte) (e diskEntry, digest Digest, err error) {
	bad := func(why string) (diskEntry, Digest, error) {
		return diskEntry{}, Digest{}, fmt.Errorf("%w: %s", errEntry, why)
	}
	if len(file) > maxEntryFile {
		return bad("too long")
	}
	head, body, ok := bytes.Cut(file, []byte{'\n'})
	if !ok || !bytes.HasPrefix(head, []byte(entryMagic)) {
		return bad("no first line")
	}
	sum := sha256.Sum224(body)
	if string(head[len(entryMagic):]) != hex.EncodeToString(sum[:]) {
		return bad("checksum does not match")
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return bad(err.Error())
	}
	if n, err := hex.Decode(digest[:], []byte(e.Digest[:min(len(e.Digest), hex.EncodedLen(len(digest)))])); err != nil || n != len(digest) || e.Digest != digest.String() {
		return bad("digest is not 56 hexadecimal digits")
	}
	switch {
	case e.Key.Validate() != nil || len(e.Swarm) > MaxSwarmLength:
		return bad("key or swarm is not valid")
	case e.Size < 0 || e.Size > MaxSegmentSize:
		return bad("size is out of range")
	case e.Statement != nil && (len(e.Statement.Signature) != len(Statement{}.Signature) || int(e.Statement.Count) != PieceCount(e.Size)):
		return bad("statement is not about this size")
	case max(len(e.ContentType), len(e.ETag), len(e.LastModified)) > MaxMetaField:
		return bad("metadata is too long")
	}
	return e, digest, nil
}

// statement is the one that was stored, nil if none was.
func (e diskEntry) statement() *Statement {
	if e.Statement == nil {
		return nil
	}
	st := &Statement{Size: e.Size, Count: e.Statement.Count}
	copy(st.Signature[:], e.Statement.Signature)
	return st
}

func (e diskEntry) meta() Meta {
	return Meta{ContentType: e.ContentType, ETag: e.ETag, LastModified: e.LastModified, Shareable: true}
}

// entryName is the file name for a key of a swarm.
func entryName(id entryID) string {
	sum := sha256.Sum224([]byte(id.swarm + "\x00" + string(id.key)))
	return hex.EncodeToString(sum[:])
}
