package functions

import (
	"fmt"
	"io"
	"time"
)

func (b *sandbox) logf(format string, args ...any) { _, _ = fmt.Fprintf(b.log, format, args...) }

func (b *sandbox) report(id string, took, initTime time.Duration) {
	const mib = 1 << 20
	line := fmt.Sprintf("END RequestId: %s\nREPORT RequestId: %s\tDuration: %.2f ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		id, id, float64(took.Microseconds())/1000, b.function.MemoryMB, (b.peakMemory()+mib-1)/mib)
	if initTime > 0 {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", float64(initTime.Microseconds())/1000)
	}
	b.logf("%s\n", line)
}

func (b *sandbox) logSize() int64 {
	info, err := b.log.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// logTail returns the log since offset, at most Lambda's 4 KiB. Invocations that run at the same time share the file.
func (b *sandbox) logTail(offset int64) []byte {
	const limit = 4 << 10
	end := b.logSize()
	offset = max(offset, end-limit)
	tail, _ := io.ReadAll(io.NewSectionReader(b.log, offset, end-offset))
	return tail
}
