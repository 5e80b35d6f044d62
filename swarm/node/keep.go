package node

// keep stores a segment that became whole as the node was closed: what a reader
// has read to its end must be in the store of whoever opens it next.
func (n *Node) keep(o *object) {
	if !o.assembly.Complete() || !o.assembly.Meta().Shareable || n.cfg.Store.Has(o.key) {
		return
	}
	if n.cfg.Signer != nil && !o.finished {
		o.assembly.SetStatement(n.cfg.Signer.Sign(n.cfg.Swarm, o.key, o.assembly.Size(), o.assembly.Leaves()))
	}
	seg, err := o.assembly.Segment()
	if err == nil {
		err = n.cfg.Store.Put(seg)
	}
	if err != nil {
		n.cfg.Log.Error("segment not stored", "key", o.key, "err", err)
	}
}
