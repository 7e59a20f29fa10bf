using System.Net;
using System.Security.Authentication;
using System.Text;

namespace ZfRepl.Core.History.Influx;

/// <summary>What InfluxDB's answers, and their absence, mean for the caller. Pure.</summary>
internal static class InfluxErrors
{
    private const int MaxShown = 300;

    /// <summary>The value for an answer that is no success.</summary>
    /// <param name="name">The history's name.</param>
    /// <param name="status">The status.</param>
    /// <param name="message">What the server says.</param>
    public static HistoryError OfAnswer(string name, HttpStatusCode status, string message)
    {
        var said = $"{name} answers {(int)status}: {Shorten(message)}.";
        return (int)status switch
        {
            401 => Broken(said, "check the user name and the password"),
            403 => OfMessage(name, message) ?? Broken(said, "grant the user the right to read and write the database"),
            404 => OfMessage(name, message) ?? Broken(said, "check the url: this is no InfluxDB 1.x"),
            413 => Broken(said, "raise max-body-size in the [http] section of the server's configuration"),
            >= 300 and < 400 => Broken(said, "give the url that the server redirects to; it is not followed, so that the password goes nowhere else"),
            408 or 429 or >= 500 => OfMessage(name, message) ?? Unavailable(said, "it goes on by itself; look at the server's log if it stays so"),
            _ => OfMessage(name, message) ?? Broken(said, "look at the server's log"),
        };
    }

    /// <summary>The value for an error that the server tells in words, or null when the words are not known.</summary>
    public static HistoryError? OfMessage(string name, string message)
    {
        var said = $"{name}: {Shorten(message)}.";
        return message switch
        {
            _ when Says("database not found") => Broken(said, "create the database, or let `create_database` be true"),
            _ when Says("retention policy not found") => Broken(said, "create the retention policy, or leave it out for the default one"),
            _ when Says("beyond retention policy") => Broken(
                said,
                "the retention policy is shorter than what is to be imported is old: lengthen it (ALTER RETENTION POLICY … DURATION INF); "
                    + "the blocks wait until then"),
            _ when Says("field type conflict") => Broken(
                said, "another program writes other types into this measurement: give a measurement of its own"),
            _ when Says("max-values-per-tag") => Broken(said, "set max-values-per-tag = 0 in the [data] section of the server's configuration"),
            _ when Says("max-series-per-database") || Says("max series per database") => Broken(
                said, "raise max-series-per-database in the [data] section of the server's configuration"),
            _ when Says("not authorized") || Says("error authorizing") || Says("requires admin") => Broken(
                said, "grant the user the right to read and write the database; create the database by hand if he is no admin"),
            _ when Says("unable to parse") || Says("time outside range") || Says("max key length") => Broken(
                said, "InfluxDB can't hold an event of this block; please report it"),
            _ => null,
        };

        bool Says(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The value for a request that got no answer.</summary>
    public static HistoryError OfException(string name, HttpRequestException exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException)
            {
                return Broken(
                    $"{name}: TLS failed: {Shorten(cause.Message)}.", "check `ca_certs`, and that the certificate bears the host's name");
            }
        }

        return Unavailable($"{name} can't be reached: {Shorten(exception.Message)}.", "it goes on by itself once the server answers");
    }

    /// <summary>The value for a request that took too long.</summary>
    public static HistoryError TimedOut(string name, TimeSpan limit) => Unavailable(
        $"{name} did not answer within {limit.TotalSeconds:0} s.", "it goes on by itself; look at the server's load if it stays so");

    public static HistoryError Unavailable(string detail, string remedy) => new(HistoryTrouble.Unavailable, detail, remedy);

    public static HistoryError Broken(string detail, string remedy) => new(HistoryTrouble.Broken, detail, remedy);

    /// <summary>What a server says, on one line and of a bounded length: it ends in logs.</summary>
    public static string Shorten(string message)
    {
        var text = new StringBuilder(Math.Min(message.Length, MaxShown));
        foreach (var character in message.AsSpan(0, Math.Min(message.Length, MaxShown)))
        {
            text.Append(char.IsControl(character) || char.IsSurrogate(character) ? ' ' : character);
        }

        return message.Length > MaxShown ? $"{text.ToString().Trim()}…" : text.ToString().Trim().TrimEnd('.');
    }
}
