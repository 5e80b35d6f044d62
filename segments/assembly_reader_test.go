package segments

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
)

func TestManyReadersWhilePiecesArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := randomBytes(1, eagerAllocation*2+999)
		size := int64(len(data))
		a := NewAssembly("t/1")
		type result struct {
			offset, length int64
			got            []byte
			err            error
		}
		ranges := [][2]int64{{0, -1}, {0, size}, {1, 1}, {PieceSize - 1, 2}, {size - 1, -1}, {size - 1, 100}, {size, -1}, {size + 5, 1}, {100, 0}, {5, 1<<63 - 1}}
		results := make(chan result)
		for n, r := range ranges {
			go func() {
				reader := a.Reader(t.Context(), r[0], r[1])
				defer reader.Close()
				var buffer bytes.Buffer
				var err error
				if n%2 == 0 { // by WriteTo, else by Read
					_, err = io.Copy(&buffer, reader)
				} else {
					_, err = io.Copy(&buffer, io.MultiReader(reader))
				}
				results <- result{r[0], r[1], buffer.Bytes(), err}
			}()
		}
		synctest.Wait()
		must(t, a.AddLeaves(0, LeavesOf(data)))
		pieces := piecesOf(data)
		for n, i := range rand.New(rand.NewPCG(3, 3)).Perm(len(pieces)) {
			_, err := a.PutPiece(i, pieces[i])
			must(t, err)
			if n%32 == 0 {
				synctest.Wait() // some readers catch up, some coalesce
			}
			if n == len(pieces)/2 {
				must(t, a.SetSize(size))
			}
		}
		for range ranges {
			r := <-results
			want := data[min(r.offset, size):]
			if r.length >= 0 {
				want = want[:min(r.length, int64(len(want)))]
			}
			if r.err != nil || !bytes.Equal(r.got, want) {
				t.Errorf("offset %d length %d: %d bytes, want %d, %v", r.offset, r.length, len(r.got), len(want), r.err)
			}
		}
	})
}

// countingWriter counts Writes.
type countingWriter struct{ writes, bytes int }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.writes, w.bytes = w.writes+1, w.bytes+len(p)
	return len(p), nil
}

func TestCompleteAssemblyIsOneWrite(t *testing.T) {
	data := randomBytes(2, 40*PieceSize+1)
	a := announced(t, data)
	for i, piece := range piecesOf(data) {
		_, err := a.PutPiece(i, piece)
		must(t, err)
	}
	var w countingWriter
	if n, err := io.Copy(&w, a.Reader(t.Context(), 3, -1)); err != nil || n != int64(len(data)-3) || w.writes != 1 {
		t.Errorf("%d bytes in %d writes, %v", n, w.writes, err)
	}
}

// TestReaderNeverPassesAHole: with pieces 0 and 2 here a reader gets piece 0
// and waits.
func TestReaderNeverPassesAHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := randomBytes(3, 3*PieceSize)
		a := announced(t, data)
		pieces := piecesOf(data)
		for _, i := range []int{0, 2} {
			_, err := a.PutPiece(i, pieces[i])
			must(t, err)
		}
		var got countingWriter
		done := make(chan error)
		go func() {
			_, err := io.Copy(&got, a.Reader(t.Context(), 0, -1))
			done <- err
		}()
		synctest.Wait()
		if got.bytes != PieceSize {
			t.Errorf("%d bytes passed, want %d", got.bytes, PieceSize)
		}
		_, err := a.PutPiece(1, pieces[1])
		must(t, err)
		if err := <-done; err != nil || got.bytes != len(data) {
			t.Errorf("%d bytes, %v", got.bytes, err)
		}
	})
}

func TestBlockedReaderIsWoken(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		wake func(a *Assembly, r io.Closer, cancel context.CancelFunc)
		want error
	}{
		{"by its context", func(_ *Assembly, _ io.Closer, cancel context.CancelFunc) { cancel() }, context.Canceled},
		{"by Close", func(_ *Assembly, r io.Closer, _ context.CancelFunc) { r.Close(); r.Close() }, os.ErrClosed},
		{"by Fail", func(a *Assembly, _ io.Closer, _ context.CancelFunc) { a.Fail(broken) }, broken},
		{"by Reset", func(a *Assembly, _ io.Closer, _ context.CancelFunc) { a.Reset() }, ErrConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				data := randomBytes(4, 2*PieceSize)
				a := announced(t, data)
				_, err := a.PutPiece(0, data[:PieceSize])
				must(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := a.Reader(ctx, 0, -1)
				done := make(chan error)
				var got bytes.Buffer
				go func() { _, err := io.Copy(&got, r); done <- err }()
				synctest.Wait()
				c.wake(a, r, cancel)
				if err := <-done; !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if !bytes.Equal(got.Bytes(), data[:PieceSize]) {
					t.Errorf("%d bytes were read", got.Len())
				}
			})
		})
	}
}

// TestResetBeforeTheFirstByte: a reader that has seen nothing of the lie gets
// the truth.
func TestResetBeforeTheFirstByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := announced(t, randomBytes(5, PieceSize))
		done := make(chan []byte)
		go func() {
			b, err := io.ReadAll(a.Reader(t.Context(), 0, -1))
			if err != nil {
				t.Error(err)
			}
			done <- b
		}()
		synctest.Wait()
		a.Reset()
		truth := randomBytes(6, 2*PieceSize+5)
		w := a.OriginWriter(0, nil)
		_, err := w.Write(truth)
		must(t, err)
		must(t, w.Close())
		if got := <-done; !bytes.Equal(got, truth) {
			t.Errorf("%d bytes of something else", len(got))
		}
	})
}

func TestReaderAtNegativeOffset(t *testing.T) {
	if _, err := io.ReadAll(NewAssembly("t/1").Reader(t.Context(), -1, 5)); err == nil {
		t.Error("no error")
	}
}

func TestWaitHead(t *testing.T) {
	broken := errors.New("broken")
	data := randomBytes(7, PieceSize)
	for _, c := range []struct {
		name string
		step func(*Assembly, context.CancelFunc)
		size int64
		want error
	}{
		{"size", func(a *Assembly, _ context.CancelFunc) { must(t, a.SetSize(7)) }, 7, nil},
		{"first piece", func(a *Assembly, _ context.CancelFunc) {
			_, err := a.OriginWriter(0, nil).Write(data)
			must(t, err)
		}, -1, nil},
		{"failure", func(a *Assembly, _ context.CancelFunc) { a.Fail(broken) }, -1, broken},
		{"context", func(_ *Assembly, cancel context.CancelFunc) { cancel() }, -1, context.Canceled},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := NewAssembly("t/1")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			type result struct {
				size int64
				meta Meta
				err  error
			}
			results := make(chan result)
			go func() { size, meta, err := a.WaitHead(ctx); results <- result{size, meta, err} }()
			synctest.Wait()
			a.SetMeta(media) // not enough by itself
			synctest.Wait()
			select {
			case r := <-results:
				t.Fatalf("%s: returned early: %+v", c.name, r)
			default:
			}
			c.step(a, cancel)
			if r := <-results; r.size != c.size || !errors.Is(r.err, c.want) || c.want == nil && r.meta != media {
				t.Errorf("%s: got %+v", c.name, r)
			}
		})
	}
}
