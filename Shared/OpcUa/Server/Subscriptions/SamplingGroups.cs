namespace ZfRepl.OpcUa.Server;

/// <summary>Items that are looked at in intervals, one timer for each interval. Guarded by the server's gate.</summary>
internal sealed class SamplingGroups(ServerCore core) : IDisposable
{
    private readonly Dictionary<double, Group> _groups = [];

    public void Add(MonitoredItem item)
    {
        var interval = item.Settings.SamplingInterval;
        if (!_groups.TryGetValue(interval, out var group))
        {
            group = new Group(core, TimeSpan.FromMilliseconds(interval));
            _groups.Add(interval, group);
        }

        group.Items.Add(item);
    }

    /// <summary>Called before the item's interval changes.</summary>
    public void Remove(MonitoredItem item)
    {
        var interval = item.Settings.SamplingInterval;
        if (_groups.TryGetValue(interval, out var group) && group.Items.Remove(item) && group.Items.Count == 0)
        {
            group.Dispose();
            _groups.Remove(interval);
        }
    }

    public void Dispose()
    {
        foreach (var group in _groups.Values)
        {
            group.Dispose();
        }

        _groups.Clear();
    }

    private sealed class Group : IDisposable
    {
        private readonly ServerCore _core;
        private readonly ITimer _timer;

        public Group(ServerCore core, TimeSpan interval)
        {
            _core = core;
            _timer = core.Time.CreateTimer(static g => ((Group)g!).OnTimer(), this, interval, interval);
        }

        public HashSet<MonitoredItem> Items { get; } = [];

        public void Dispose() => _timer.Dispose();

        private void OnTimer()
        {
            try
            {
                lock (_core.Gate)
                {
                    foreach (var item in Items)
                    {
                        item.Node.Variable!.Show(item, evenIfUnchanged: false);
                    }
                }
            }
            catch (Exception e)
            {
                // As for the subscriptions' timers: there is no caller that could see the defect.
                _core.Fail(e);
            }
        }
    }
}
