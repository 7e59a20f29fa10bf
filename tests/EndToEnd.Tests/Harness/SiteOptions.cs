using ZfRepl.Core.History;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>What a test's site is like; texts are pieces of the services' own configuration.</summary>
internal sealed record SiteOptions
{
    /// <summary>The account at the broker that nodes log in with, or null.</summary>
    public (string User, string Password)? Account { get; init; }

    /// <summary>The authority whose certificate the broker shows, or null for a connection in clear.</summary>
    public CertificateAuthority? Authority { get; init; }

    /// <summary>Where nodes find the broker; null for its own port.</summary>
    public int? BrokerPort { get; init; }

    /// <summary>The broker's address.</summary>
    public string BrokerAddress { get; init; } = "127.0.0.1";

    /// <summary>Lines of the collector's <c>sources</c>, without indentation.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary>The mailbox's settings.</summary>
    public string Mailbox { get; init; } = "block_ttl_sec: 1";

    /// <summary>The folder of the mailboxes.</summary>
    public string Spool { get; init; } = "spool";

    /// <summary>More lines of the collector's section, without indentation.</summary>
    public IReadOnlyList<string> Collector { get; init; } = [];

    /// <summary>More settings of the edge's served mailbox.</summary>
    public string Served { get; init; } = "allow_fill: false";

    /// <summary>More lines of both replicators' sections, without indentation.</summary>
    public IReadOnlyList<string> Replicator { get; init; } = [];

    /// <summary>The settings of the centre's mailbox.</summary>
    public string Fetch { get; init; } = "interval: 200ms, timeout: 6";

    /// <summary>More lines of the centre's <c>client</c> section, without indentation.</summary>
    public IReadOnlyList<string> Client { get; init; } = [];

    /// <summary>The centre's history database; null for a file.</summary>
    public string? History { get; init; }

    /// <summary>Opens another database than a file, to look at it.</summary>
    public Func<Task<IHistoryDatabase>>? OpenHistory { get; init; }

    /// <summary>The centre's archive topic.</summary>
    public string Archive { get; init; } = "null";
}
