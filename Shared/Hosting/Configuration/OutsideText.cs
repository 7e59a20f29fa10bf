using System.Globalization;
using System.Text;

namespace ZfRepl.Hosting.Configuration;

/// <summary>Outside text made fit for a message: of bounded length and on one line.</summary>
public static class OutsideText
{
    /// <summary>Makes it fit.</summary>
    /// <param name="text">The text.</param>
    /// <param name="lengthMax">The most characters.</param>
    public static string Show(string text, int lengthMax = 60)
    {
        var result = new StringBuilder();
        foreach (var c in text)
        {
            if (result.Length >= lengthMax)
            {
                return result.Append('…').ToString();
            }

            _ = char.IsControl(c) || char.IsSurrogate(c)
                ? result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
                : result.Append(c);
        }

        return result.ToString();
    }
}
