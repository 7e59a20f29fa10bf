using System.Globalization;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>
/// Keeps outside of the site what its collector said to have accepted, as an OPC UA server would: whatever happens after it was said, it has to be
/// there. A collector that has lost its memory can't be asked.
/// </summary>
internal sealed class Claims : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(5);

    private readonly CancellationTokenSource _end = new();
    private readonly List<(ulong Boot, long Accepted, long Late)> _kept = [];
    private readonly Task _watching;
    private long _accepted;
    private long _atCut = -1;

    public Claims(Site site) => _watching = WatchAsync(site);

    /// <summary>The most events that were ever said to be accepted.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>
    /// The next thing is the cut: what is claimed by now has to be there. What is claimed afterwards is counted apart: there the process lives on for a
    /// moment, and on ext4 an fdatasync that is under way when the file system is shut down may say that all is well (docs/reliability.md).
    /// </summary>
    public void BeforeCut() => _atCut = Accepted;

    /// <summary>Keeps what is claimed now, when the process of this start is dead and the disk can be read again.</summary>
    /// <param name="spool">The folder of the mailboxes, where the collector numbers its starts.</param>
    public void Keep(string spool)
    {
        var path = Path.Combine(spool, "boot");
        var boot = File.Exists(path) && ulong.TryParse(File.ReadAllText(path), CultureInfo.InvariantCulture, out var number) ? number : 0;
        _kept.Add((boot, _atCut < 0 ? Accepted : _atCut, Accepted));
        if (_atCut >= 0)
        {
            // What was claimed too late is no claim on the next start.
            Interlocked.Exchange(ref _accepted, _atCut);
            _atCut = -1;
        }
    }

    /// <summary>How many events that were claimed up to some start are not among those that came of these starts; the worst of all that was kept.</summary>
    public long MissingIn(IReadOnlyCollection<TelemetryEvent> delivered) => Missing(delivered, k => k.Accepted);

    /// <summary>As <see cref="MissingIn"/>, with what was claimed while the power was being cut.</summary>
    public long MissingLateIn(IReadOnlyCollection<TelemetryEvent> delivered) => Missing(delivered, k => k.Late);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _watching;
        _end.Dispose();
    }

    private long Missing(IReadOnlyCollection<TelemetryEvent> delivered, Func<(ulong Boot, long Accepted, long Late), long> claimed)
    {
        var byBoot = delivered.CountBy(e => e.Ieid.Boot).ToList();
        return _kept.Max(k => claimed(k) - byBoot.Where(b => b.Key <= k.Boot).Sum(b => (long)b.Value));
    }

    private async Task WatchAsync(Site site)
    {
        while (!_end.IsCancellationRequested)
        {
            if (await site.TryBooksAsync() is { } books && books.Accepted > Accepted)
            {
                Interlocked.Exchange(ref _accepted, books.Accepted);
            }

            await Task.Delay(Step);
        }
    }
}
