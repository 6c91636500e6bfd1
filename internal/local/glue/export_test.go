package glue

// HoldTriggerCalls lets each trigger call tell inside and wait for leave, while its workflow is occupied.
func HoldTriggerCalls(c *Config, inside chan<- struct{}, leave <-chan struct{}) {
	c.triggerCall = func() {
		inside <- struct{}{}
		<-leave
	}
}
