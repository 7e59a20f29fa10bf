using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>Who states what became of a mailbox's events, and sums up the source's own history. Thread-safe.</summary>
public interface IProofSource
{
    /// <summary>A mailbox's accounts, signed.</summary>
    Task<SourceAnswer<SignedDocument>> StateAsync(string mailbox, TimeRange range, CancellationToken cancellationToken);

    /// <summary>A page of the sums of what the source's own history has for a mailbox.</summary>
    Task<SourceAnswer<DigestPage>> DigestAsync(string mailbox, DigestWish wish, CancellationToken cancellationToken);
}
