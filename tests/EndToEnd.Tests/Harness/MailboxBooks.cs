using System.Text.Json;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>The accounts of one mailbox as the collector's <c>status</c> gives them.</summary>
internal sealed record MailboxBooks(long Accepted, long Delivered, long Backlog, long Lost, long Quarantined, string? Trouble)
{
    /// <summary>The promise: every accepted event is in exactly one of the accounts.</summary>
    public bool Balance => Accepted == Delivered + Backlog + Lost + Quarantined;

    /// <summary>Reads the accounts, and fails the test when they do not match: they have to at any moment, whatever is under way.</summary>
    public static MailboxBooks Read(JsonElement mailbox)
    {
        var books = new MailboxBooks(
            mailbox.GetProperty("accepted_events").GetInt64(),
            mailbox.GetProperty("delivered_events").GetInt64(),
            mailbox.GetProperty("backlog_events").GetInt64(),
            mailbox.GetProperty("lost_events").GetInt64(),
            mailbox.GetProperty("quarantined_events").GetInt64(),
            mailbox.GetProperty("trouble").GetString());
        Assert.True(books.Balance, $"the accounts do not match: {books}");
        return books;
    }
}
