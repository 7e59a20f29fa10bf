namespace ZfRepl.Collector.Mailboxes.Relay;

/// <summary>Why a block of another node leaves the mailbox.</summary>
internal enum RelayRemoval
{
    /// <summary>The target confirmed its content.</summary>
    Delivered,

    /// <summary>It was given up; the loss ledger says so.</summary>
    Lost,

    /// <summary>It is damaged and kept aside; the loss ledger says so.</summary>
    Quarantined,
}
