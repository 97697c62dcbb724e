"""Is a gradient right, and where did it go wrong.

``central_differences`` holds gradcheck, ``blame`` what it says of a disagreement; ``nonfinite``
finds the origin of a NaN or infinity, ``finding`` says it.
"""
