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
}
