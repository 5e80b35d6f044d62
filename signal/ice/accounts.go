package ice

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// account is one member's or one swarm's budget and open relays.
type account struct {
	budget *rate.Limiter // nil: none
	relays int
}

// accounts are the budgets of members and swarms. A budget outlives the relays, or
// making a new one would refill it.
type accounts struct {
	mu    sync.Mutex
	limit int64 // bytes in budgetPeriod, negative: none
	idle  *simplelru.LRU[string, *account]
	open  map[string]*account
}

func newAccounts(limit int64) *accounts {
	idle, err := simplelru.NewLRU[string, *account](maxAccounts, nil)
	if err != nil {
		panic(err) // only a size below 1 is refused
	}
	return &accounts{limit: limit, idle: idle, open: make(map[string]*account)}
}

// hold opens one more relay for the key.
func (a *accounts) hold(key string) *account {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.open[key]
	if acc == nil {
		if kept, ok := a.idle.Get(key); ok {
			acc = kept
			a.idle.Remove(key)
		} else {
			acc = new(account)
			if a.limit >= 0 {
				// A bucket of one period's bytes that fills within the period.
				acc.budget = rate.NewLimiter(rate.Limit(float64(a.limit)/budgetPeriod.Seconds()), int(a.limit))
			}
		}
		a.open[key] = acc
	}
	acc.relays++
	return acc
}

func (a *accounts) release(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.open[key]
	if acc.relays--; acc.relays == 0 {
		delete(a.open, key)
		a.idle.Add(key, acc)
	}
}

func (a *accounts) relays(key string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if acc := a.open[key]; acc != nil {
		return acc.relays
	}
	return 0
}

// spend takes n bytes from the budget if it has them.
func (acc *account) spend(now time.Time, n int) bool {
	return acc.budget == nil || acc.budget.AllowN(now, n)
}
