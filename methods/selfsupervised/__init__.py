"""Controls of PDR: the same encoders on the same images for as long, with another objective than its physics."""
