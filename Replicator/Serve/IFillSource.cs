using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>Who fills mailboxes from the history at the source. Thread-safe.</summary>
public interface IFillSource
{
    /// <summary>Has a range of time filled into a mailbox, or asks how far it is: the wish's id tells which.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="wish">What to fill.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<SourceAnswer<FillReply>> FillAsync(string mailbox, FillWish wish, CancellationToken cancellationToken);

    /// <summary>Since when the history at the source has any of some items, as far as it knows.</summary>
    /// <param name="mailbox">The mailbox that asks; it has to take the items.</param>
    /// <param name="items">The items.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<SourceAnswer<BeginReply>> BeginAsync(string mailbox, IReadOnlyList<Oid> items, CancellationToken cancellationToken);
}
