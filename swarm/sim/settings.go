package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting reads the words after a name into a Config.
type setting func(c *Config, args []string) error

// settings are the names a scenario may use. Rates take k, M and G, shares a %.
var settings = map[string]setting{
	"mode":            word(func(c *Config) *Mode { return &c.Mode }),
	"pairing":         word(func(c *Config) *Pairing { return &c.Pairing }),
	"random_seed":     value(strconvUint, func(c *Config) *uint64 { return &c.RandomSeed }),
	"viewers":         value(strconv.Atoi, func(c *Config) *int { return &c.Viewers }),
	"seeds":           value(strconv.Atoi, func(c *Config) *int { return &c.Seeds }),
	"seed_peers":      value(strconv.Atoi, func(c *Config) *int { return &c.SeedPeers }),
	"max_hops":        value(strconv.Atoi, func(c *Config) *int { return &c.MaxHops }),
	"min_peers":       value(strconv.Atoi, func(c *Config) *int { return &c.Brain.MinPeers }),
	"max_peers":       value(strconv.Atoi, func(c *Config) *int { return &c.Brain.MaxPeers }),
	"window":          value(strconv.Atoi, func(c *Config) *int { return &c.Brain.Window }),
	"copies":          value(parseFloat, func(c *Config) *float64 { return &c.Brain.OriginCopies }),
	"sample_rate":     value(parseShare, func(c *Config) *float64 { return &c.Brain.SampleRate }),
	"election_step":   value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Brain.ElectionStep }),
	"signed":          value(strconv.ParseBool, func(c *Config) *bool { return &c.Brain.Signed }),
	"leave_signal":    value(strconv.ParseBool, func(c *Config) *bool { return &c.Brain.DisconnectWebsocketOnMax }),
	"uplink_told":     value(strconv.ParseBool, func(c *Config) *bool { return &c.UplinkTold }),
	"spread":          value(strconv.ParseBool, func(c *Config) *bool { return &c.Spread }),
	"duration":        value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Duration }),
	"warmup":          value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Warmup }),
	"arrive":          value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Arrive }),
	"segment":         value(time.ParseDuration, func(c *Config) *time.Duration { return &c.SegmentDuration }),
	"latency":         value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Latency }),
	"max_latency":     value(time.ParseDuration, func(c *Config) *time.Duration { return &c.MaxLatency }),
	"horizon":         value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Horizon }),
	"cache":           value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Cache }),
	"film":            value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Film }),
	"rtt_min":         value(time.ParseDuration, func(c *Config) *time.Duration { return &c.RTTMin }),
	"rtt_max":         value(time.ParseDuration, func(c *Config) *time.Duration { return &c.RTTMax }),
	"jitter":          value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Jitter }),
	"signal_rtt":      value(time.ParseDuration, func(c *Config) *time.Duration { return &c.SignalRTT }),
	"connect_timeout": value(time.ParseDuration, func(c *Config) *time.Duration { return &c.ConnectTimeout }),
	"clock_skew":      value(time.ParseDuration, func(c *Config) *time.Duration { return &c.ClockSkew }),
	"origin_rtt":      value(time.ParseDuration, func(c *Config) *time.Duration { return &c.OriginRTT }),
	"detect":          value(time.ParseDuration, func(c *Config) *time.Duration { return &c.Detect }),
	"size_spread":     value(parseShare, func(c *Config) *float64 { return &c.SizeSpread }),
	"loss":            value(parseShare, func(c *Config) *float64 { return &c.Loss }),
	"symmetric":       value(parseShare, func(c *Config) *float64 { return &c.Symmetric }),
	"churn":           value(parseShare, func(c *Config) *float64 { return &c.Churn }),
	"silent":          value(parseShare, func(c *Config) *float64 { return &c.Silent }),
	"switches":        value(parseFloat, func(c *Config) *float64 { return &c.Switches }),
	"size_factor":     value(parseFloat, func(c *Config) *float64 { return &c.SizeFactor }),
	"downlink":        value(parseRate, func(c *Config) *int64 { return &c.Downlink }),
	"seed_link":       value(parseRate, func(c *Config) *int64 { return &c.SeedLink }),
	"origin_rate":     value(parseRate, func(c *Config) *int64 { return &c.OriginRate }),
	"origin_total":    value(parseRate, func(c *Config) *int64 { return &c.OriginTotal }),
	"tracks":          setTracks,
	"uplinks":         setUplinks,
	"member":          addMember,
	"path":            addPath,
	"outage":          addOutage,
	"crowd":           addCrowd,
	"kill":            addKill,
	"liars":           setLiars,
}

// Settings lists the names a scenario may use, sorted.
func Settings() []string {
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (c *Config) set(name string, args []string) error {
	set, ok := settings[name]
	if !ok {
		return fmt.Errorf("no setting is called %q", name)
	}
	return set(c, args)
}

func value[T any](parse func(string) (T, error), field func(*Config) *T) setting {
	return func(c *Config, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("want one value")
		}
		v, err := parse(args[0])
		if err == nil {
			*field(c) = v
		}
		return err
	}
}

func word[T ~string](field func(*Config) *T) setting {
	return value(func(s string) (T, error) { return T(s), nil }, field)
}

func strconvUint(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }
func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func parseShare(s string) (float64, error) {
	percent, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(percent, 64)
	if err != nil {
		return 0, fmt.Errorf("share %q: want a number, as in 0.05 or 5%%", s)
	}
	if ok {
		v /= 100
	}
	return v, err
}

func parseRate(s string) (int64, error) {
	unit := 1.0
	for suffix, u := range map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, u
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v*unit <= 1e12) {
		return 0, fmt.Errorf("rate %q: want bit/s from 0 to 1000G, as in 800k or 2.5M", s)
	}
	return int64(v * unit), nil
}

// setTracks: tracks 5M 2M 800k
func setTracks(c *Config, args []string) error {
	c.Tracks = nil
	for _, arg := range args {
		rate, err := parseRate(arg)
		if err != nil {
			return err
		}
		c.Tracks = append(c.Tracks, rate)
	}
	return nil
}

// setUplinks: uplinks 20% 0, 30% 3M, 50% 8M
func setUplinks(c *Config, args []string) error {
	c.Uplinks = nil
	for class := range strings.SplitSeq(strings.Join(args, " "), ",") {
		fields := strings.Fields(class)
		if len(fields) != 2 {
			return fmt.Errorf("want SHARE RATE, …")
		}
		part, err := parseShare(fields[0])
		if err != nil {
			return err
		}
		rate, err := parseRate(fields[1])
		if err != nil {
			return err
		}
		c.Uplinks = append(c.Uplinks, Uplink{part, rate})
	}
	return nil
}

// addOutage: outage 20s for 10s
func addOutage(c *Config, args []string) error {
	if len(args) != 3 || args[1] != "for" {
		return fmt.Errorf("want AT for LENGTH")
	}
	at, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(args[2])
	c.Outages = append(c.Outages, Outage{at, length})
	return err
}

// addCrowd: crowd 30s 100 within 10s
func addCrowd(c *Config, args []string) error {
	if len(args) != 4 || args[2] != "within" {
		return fmt.Errorf("want AT COUNT within LENGTH")
	}
	at, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	within, err := time.ParseDuration(args[3])
	c.Crowds = append(c.Crowds, Crowd{at, count, within})
	return err
}

// addKill: kill 30s viewers 30% seeds 50% silent
func addKill(c *Config, args []string) error {
	var k Kill
	if len(args) == 0 {
		return fmt.Errorf("want AT [viewers SHARE] [seeds SHARE] [silent]")
	}
	at, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	k.At = at
	for rest := args[1:]; len(rest) > 0; {
		if rest[0] == "silent" {
			k.Silent, rest = true, rest[1:]
			continue
		}
		if len(rest) < 2 {
			return fmt.Errorf("want a share after %q", rest[0])
		}
		part, err := parseShare(rest[1])
		switch {
		case err != nil:
			return err
		case rest[0] == "viewers":
			k.Viewers = part
		case rest[0] == "seeds":
			k.Seeds = part
		default:
			return fmt.Errorf("want viewers, seeds or silent, not %q", rest[0])
		}
		rest = rest[2:]
	}
	c.Kills = append(c.Kills, k)
	return nil
}

// setLiars: liars corrupt 3% offer 3% stall 3%
func setLiars(c *Config, args []string) error {
	if len(args)%2 != 0 {
		return fmt.Errorf("want KIND SHARE, …")
	}
	for i := 0; i < len(args); i += 2 {
		part, err := parseShare(args[i+1])
		switch {
		case err != nil:
			return err
		case args[i] == "corrupt":
			c.Liars.Corrupt = part
		case args[i] == "offer":
			c.Liars.Offer = part
		case args[i] == "stall":
			c.Liars.Stall = part
		default:
			return fmt.Errorf("want corrupt, offer or stall, not %q", args[i])
		}
	}
	return nil
}
