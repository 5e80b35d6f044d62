package segments

const crashChildDir = "SHOAL_SEGMENTS_CRASH_DIR"

func crashChild(string) {}
