using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;
using ZfRepl.Replicator.Fetch;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>Somebody who has the centre's key and says to have imported what he never fetched.</summary>
internal static class LyingTarget
{
    /// <summary>Confirms all blocks that are offered.</summary>
    /// <returns>How many events are in them.</returns>
    public static Task<ulong> ConfirmAllAsync(Site site, BusTap tap) => ConfirmAllAsync(site.Key, Site.Source, Site.Target, tap);

    /// <summary>Confirms all blocks that a source offers to a target.</summary>
    /// <returns>How many events are in them.</returns>
    public static async Task<ulong> ConfirmAllAsync(string keyText, string source, string target, BusTap tap)
    {
        Assert.True(ApiKey.TryCreate("default", keyText, out var key, out var error), error);
        var options = new SourceLinkOptions { Source = source, Target = target, Key = key };
        var link = new SourceLink(tap.Bus, TimeProvider.System, options, new CauseLog(NullLogger.Instance, TimeProvider.System));
        using var subscription = tap.Bus.Subscribe(options.Topics.RepliesTo(target), (_, message) =>
        {
            if (MessageHeader.TryRead(message.Span, out var header))
            {
                link.Receive(header, message);
            }

            return ValueTask.CompletedTask;
        });
        var session = await link.EnsureSessionAsync(CancellationToken.None);
        Assert.True(session.IsOk, session.Detail);
        var offered = (await link.NextAsync(rotate: false, 100, behind: null, CancellationToken.None)).Value!.Offers;
        foreach (var offer in offered)
        {
            Assert.True((await link.ConfirmAsync(offer.Block, CancellationToken.None)).IsOk);
        }

        await link.CloseSessionAsync(CancellationToken.None);
        return offered.Aggregate(0UL, (sum, o) => sum + o.EventCount);
    }
}
