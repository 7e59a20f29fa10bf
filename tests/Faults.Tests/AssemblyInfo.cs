// Most of the time a test here waits for a disk, a timer or a process, so that more of them than there are cores run at once.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
