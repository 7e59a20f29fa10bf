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
    private readonly List<(ulong Boot, long Accepted)> _kept = [];
    private readonly Task _watching;
    private long _accepted;

    public Claims(Site site) => _watching = WatchAsync(site);

    /// <summary>The most events that were ever said to be accepted.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Keeps what is claimed now, when the process of this start is dead and the disk can be read again.</summary>
    /// <param name="spool">The folder of the mailboxes, where the collector numbers its starts.</param>
    public void Keep(string spool)
    {
        var path = Path.Combine(spool, "boot");
        var boot = File.Exists(path) && ulong.TryParse(File.ReadAllText(path), CultureInfo.InvariantCulture, out var number) ? number : 0;
        _kept.Add((boot, Accepted));
    }

    /// <summary>How many events that were claimed up to some start are not among those that came of these starts; the worst of all that was kept.</summary>
    public long MissingIn(IReadOnlyCollection<TelemetryEvent> delivered)
    {
        var byBoot = delivered.CountBy(e => e.Ieid.Boot).ToList();
        return _kept.Max(k => k.Accepted - byBoot.Where(b => b.Key <= k.Boot).Sum(b => (long)b.Value));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _watching;
        _end.Dispose();
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
